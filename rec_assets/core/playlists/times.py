"""Times as numbers: dates are seconds since 1970 (UTC), numbers are what the source has, mostly Unix times."""

from datetime import datetime, timedelta

from rec_assets.core.base.errors import DataError
from rec_assets.core.base.relations import Relation, fetch_row

# Unix times in nanoseconds, microseconds and milliseconds are above these.
_UNITS = ((1e17, 1_000_000_000), (1e14, 1_000_000), (1e11, 1_000))
_EPOCH = datetime(1970, 1, 1)  # UTC, as all times here
_DATES_FROM = 1e8  # seconds, March 1973: what stays below, such as 20261126, is a number of another kind


def unit_of(largest: float) -> int:
    """How many units make a second, by the size of the ``largest`` of some Unix times: 1, a thousand, and so on."""
    return next((unit for least, unit in _UNITS if abs(largest) > least), 1)


def require_times(sequences: Relation) -> None:
    """Raises DataError: the playlists of ``sequences`` (``length``, maybe ``ended_at``) have no times."""
    found = "the playlists have none"
    if "ended_at" in sequences.columns:
        # Places of tracks in their playlists begin at 0 or 1.
        places, total = fetch_row(sequences.aggregate("count(*) FILTER (ended_at IN (length, length - 1)), count(*)"))
        if places * 2 <= total:
            return
        found = "`order` names the places of the tracks"
    raise DataError(
        f"`split: time` needs times, and {found}. Set `order: COLUMN`, the column of the playlist files that holds the "
        "date or time of each row, and read them again; or set `split: random`."
    )


def reach_of(sequences: Relation) -> dict[str, str]:
    """``first_ended_at`` and ``last_ended_at`` of ``sequences``, to the second in UTC; nothing where they have none.

    Numbers that are no Unix times are shown as they are.
    """
    if "ended_at" not in sequences.columns:
        return {}
    first, last = fetch_row(sequences.aggregate("min(ended_at), max(ended_at)"))
    unit = unit_of(last) if last >= _DATES_FROM else None
    return {"first_ended_at": _shown(first, unit), "last_ended_at": _shown(last, unit)}


def _shown(moment: float, unit: int | None) -> str:
    try:
        return (_EPOCH + timedelta(seconds=moment / unit)).isoformat(" ", "seconds") if unit else f"{moment:.15g}"
    except OverflowError:  # beyond the year 9999
        return f"{moment:.15g}"
