"""What one row says, as SQL: names cleaned, whole numbers, and what orders rows."""

from collections.abc import Sequence

from rec_assets.core.base.relations import Relation, fetch_row, query, sql_text

# What may surround a name without being part of it: controls, spaces of all kinds, and those without width.
_SPACES = "".join(map(chr, [*range(0x21), *range(0x7F, 0xA1), 0x1680, 0x180E, *range(0x2000, 0x2010)]))
_SPACES += "\u2028\u2029\u202f\u205f\u2060\u3000\ufeff"
_TRIMMED = f"'{_SPACES[1:]}' || chr(0)"
# Characters that are no spaces and make no other letter with what is before them: most of Latin, Greek, Cyrillic,
# Chinese, Japanese and Korean.
_PLAIN = (
    r"\x21-\x7e\xa1-\x{2ff}\x{388}-\x{482}\x{48a}-\x{52f}\x{2010}-\x{2027}\x{2030}-\x{205e}"
    r"\x{3041}-\x{3096}\x{30a1}-\x{30fa}\x{4e00}-\x{9fff}\x{ac00}-\x{d7a3}"
)
# Between these lie the spaces: what begins with a character of one of them is more than spaces.
_BEGINNINGS = (("!", "\x7f"), ("\u00a1", "\u1680"), ("\u3001", "\ufeff"), ("\uff00", "\U0010ffff"))
_SAMPLE = 1_000
_WHOLE = r"[+-]?\d+(\.0*)?"
_DATES = ("%d %b %Y, %H:%M", "%d %b %Y %H:%M", "%a %b %d %H:%M:%S %z %Y", "%a, %d %b %Y %H:%M:%S %z", "%m/%d/%Y %H:%M")
NUMBER = "DECIMAL(38, 9)"


def cleaned_sql(text: str, missing: Sequence[str] = ()) -> str:
    """SQL for ``text`` in NFC without spaces around it; NULL where nothing is left, or it is one of ``missing``."""
    # Whether a name is plain is seen in a tenth of the time that it takes to clean it. What DuckDB normalizes ends at
    # the first NUL.
    begins, ends = f"{text} >= '!' AND {text} < '\x7f'", f"{text}[-1] BETWEEN '!' AND '~'"
    cleaned = f"""CASE WHEN strlen({text}) = length({text}) AND {begins} AND {ends} THEN {text}
        WHEN regexp_matches({text}, '^[{_PLAIN}]([{_PLAIN} ]*[{_PLAIN}])?$') THEN {text}
        ELSE nullif(trim(nfc_normalize(replace({text}, chr(0), '')), {_TRIMMED}), '') END"""
    if not missing:
        return cleaned
    return f"CASE WHEN ({cleaned}) NOT IN ({', '.join(map(sql_text, missing))}) THEN ({cleaned}) END"


def lacking_sql(text: str, missing: Sequence[str] = ()) -> str:
    """SQL for whether :func:`cleaned_sql` is NULL, in a fraction of its time."""
    lacks = f"({cleaned_sql(text, missing)}) IS NULL"
    if missing:
        return lacks
    # CASE, since of an AND both sides are evaluated.
    is_name = " ".join(f"WHEN {text} >= '{low}' AND {text} < '{high}' THEN false" for low, high in _BEGINNINGS)
    return f"CASE {is_name} WHEN {text} IS NULL THEN true ELSE {lacks} END"


def whole_number_sql(text: str) -> str:
    """SQL for ``text`` as a whole number (BIGINT), NULL where it is none."""
    return f"""CASE WHEN regexp_full_match({text}, '{_WHOLE}')
        THEN TRY_CAST(split_part({text}, '.', 1) AS BIGINT) END"""


def number_sql(text: str) -> str:
    """SQL for ``text`` as a decimal number, NULL where it is none."""
    return f"TRY_CAST({text} AS {NUMBER})"


def time_sql(text: str) -> str:
    """SQL for ``text``, a date or time in a usual form, as seconds since 1970, NULL where it is none."""
    formats = ", ".join(map(sql_text, _DATES))
    # Only the type with a time zone heeds an offset, and only the one without is the same on every machine.
    with_offset = f"CASE WHEN regexp_matches({text}, '[+-]\\d\\d:?\\d\\d$') THEN TRY_CAST({text} AS TIMESTAMPTZ) END"
    others = f"TRY_CAST({text} AS TIMESTAMP), try_strptime({text}, [{formats}])"
    time = f"coalesce(make_timestamp(epoch_us({with_offset})), {others})"
    return f"(epoch_us({time})::{NUMBER} / 1000000)::{NUMBER}"


def without_points_sql(rows: Relation, name: str) -> str:
    """SQL for the text column ``name`` of ``rows``: whole numbers are written without a point, as they are in other
    formats, where its first values are whole numbers of which some have one.
    """
    first = query(rows.limit(_SAMPLE), "head", f"SELECT {name} AS text FROM head WHERE {name} IS NOT NULL")
    whole, points, total = fetch_row(
        first.aggregate(
            f"count(*) FILTER (regexp_full_match(text, '{_WHOLE}')), count(*) FILTER (text LIKE '%.%'), count(*)"
        )
    )
    if points == 0 or whole < total:
        return name
    return f"CASE WHEN regexp_full_match({name}, '{_WHOLE}') THEN split_part({name}, '.', 1) ELSE {name} END"
