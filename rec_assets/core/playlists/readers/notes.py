"""What is to be known about how a source was read, with what to set if it was read wrongly."""

import json
from collections.abc import Iterator

from rec_assets.core.base.relations import Relation, fetch_row, query, sql_text
from rec_assets.core.playlists.readers.parts import NAMES

_MISSING, _MISSING_SHARE = (r"\N", "NaN", "nan", "NULL", "null", "None", "N/A", "<NA>"), 0.001
_ROWS_LOOKED_AT = 100_000


def other_order(column: str, file: object) -> str:
    """The note that an unused column says that the rows stand in another order."""
    return (
        f"column {column!r} of {file} runs against the order of its rows, by which tracks are taken; if it is the "
        f"right order, set `order: {column}`"
    )


def missing_values(rows: Relation) -> Iterator[str]:
    """A note on texts that commonly stand for an empty field."""
    listed, seen = ", ".join(map(sql_text, _MISSING)), rows.limit(_ROWS_LOOKED_AT)
    found = query(
        seen,
        "head",
        f"""SELECT name, text, count(*) FROM (
                UNPIVOT (SELECT {", ".join(NAMES)} FROM head) ON {", ".join(NAMES)} INTO NAME name VALUE text
            ) WHERE text IN ({listed}) GROUP BY ALL ORDER BY ALL""",
    ).fetchall()
    total = fetch_row(seen.aggregate("count(*)"))[0]
    often = [one for one in found if one[1] == r"\N" or one[2] > _MISSING_SHARE * total]
    if often:
        counts = ", ".join(f"{name} is {text} in {times:,}" for name, text, times in often)
        texts = json.dumps(sorted({text for _, text, _ in often}))
        yield (
            f"of the first {total:,} rows {counts}; if that stands for an empty field, set `missing_values: {texts}`"
        )
