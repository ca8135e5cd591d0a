"""The columns of a playlist file, by the names that files have for them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from rec_assets.core.base.errors import SourceError

# The names under which each column is found by default, the standard name first.
COLUMN_NAMES = {
    "row_id": ("row_id",),
    "user_id": ("user_id",),
    "playlist": ("playlist", "playlistname"),
    "artist": ("artist", "artistname"),
    "track": ("track", "trackname"),
}
REQUIRED_COLUMNS = ("user_id", "playlist", "artist", "track")
_SEPARATORS = set(',;"\t')


def find_columns(path: Path, names: Sequence[str], columns: Mapping[str, str]) -> dict[str, str]:
    """Standard column name to the file's own name, for each column that the file has.

    Args:
        path: the file, for errors.
        names: its columns.
        columns: standard column name to the file's name for it, where a user says so.

    Raises:
        SourceError: a column that is required or in ``columns`` is missing, or two columns have the same name.
    """
    candidates = {name: (columns[name],) if name in columns else usual for name, usual in COLUMN_NAMES.items()}
    found = {
        standard: next(name for name in known if name in names)
        for standard, known in candidates.items()
        if not set(known).isdisjoint(names)
    }
    for standard, known in candidates.items():
        if standard not in found and (standard in columns or standard in REQUIRED_COLUMNS):
            raise _missing(path, names, standard, known, found)
    twice = [name for name in found.values() if list(names).count(name) > 1]
    if twice:
        raise SourceError(f"{path} has more than one column {twice[0]!r}. Rename or remove all but one of them.")
    return found


def _missing(
    path: Path, names: Sequence[str], standard: str, known: Sequence[str], found: Mapping[str, str]
) -> SourceError:
    said = (
        f"{path} has no column {' or '.join(map(repr, known))} for `{standard}`; it has {', '.join(map(repr, names))}."
    )
    if any(set(name) & _SEPARATORS for name in names):
        return SourceError(
            f"{said} These are not names: set `format` to the way the file is written, with commas between columns."
        )
    free = next((name for name in names if name not in found.values()), "its name in the file")
    return SourceError(
        f"{said} Name the right one in the setting `columns`, for example columns: {{{standard}: {free}}}; if these "
        "are not its columns, set `format`."
    )
