"""Playlists that are there twice: they give hit rates near 1 that no new playlist will get."""

from rec_assets.core.base.errors import DataError, SourceError
from rec_assets.core.base.relations import Relation, count_rows, query
from rec_assets.core.base.settings import Settings, setting


class RepeatSettings(Settings):
    """How many playlists may be there twice."""

    max_repeated_share: float = setting(
        0.05,
        "The run fails if a larger share of the playlists than this repeats itself, or is in several files with the "
        "same tracks (0.05 = 5 %): the source probably holds its rows twice.",
        ge=0,
        le=1,
    )


def newest_only(rows: Relation) -> Relation:
    """Of ``rows``, with ``file_number``, those of a playlist's last file."""
    return query(
        rows,
        "rows",
        """SELECT rows.* FROM rows JOIN (
            SELECT user_id, playlist, max(file_number) AS file_number FROM rows GROUP BY user_id, playlist
        ) newest ON rows.user_id IS NOT DISTINCT FROM newest.user_id AND rows.playlist = newest.playlist
            AND rows.file_number = newest.file_number""",
    )


def count_in_several_files(rows: Relation) -> dict[str, int]:
    """How many playlists of ``rows``, with ``file_number``, are in several files, and with the same tracks.

    Returns ``playlists_in_several_files`` and ``repeated_in_several_files``: of those, the ones at least half of whose
    tracks are in several files.
    """
    several = "user_id, playlist FROM rows GROUP BY user_id, playlist HAVING min(file_number) < max(file_number)"
    counts = {"playlists_in_several_files": count_rows(query(rows, "rows", f"SELECT {several}"))}
    if not counts["playlists_in_several_files"]:
        return {**counts, "repeated_in_several_files": 0}
    repeated = f"""
        SELECT user_id, playlist FROM (
            SELECT rows.user_id, rows.playlist, min(file_number) < max(file_number) AS is_repeated
            FROM rows JOIN (SELECT {several}) shared
                ON rows.user_id IS NOT DISTINCT FROM shared.user_id AND rows.playlist = shared.playlist
            GROUP BY rows.user_id, rows.playlist, artist, track
        ) GROUP BY user_id, playlist HAVING count(*) FILTER (is_repeated) * 2 >= count(*)"""
    return {**counts, "repeated_in_several_files": count_rows(query(rows, "rows", repeated))}


def refuse_several_files(rows: Relation, counts: dict[str, int], max_share: float, files: str) -> None:
    """Raises SourceError: more than ``max_share`` of the playlists are in several ``files`` with the same tracks."""
    found = counts["repeated_in_several_files"]
    playlists = count_rows(rows.select("user_id, playlist").distinct()) if found else 0
    if found > max_share * playlists:
        raise SourceError(
            f"{found:,} of {playlists:,} playlists stand in several of the files {files} with the same tracks; "
            f"expected at most {max_share:.0%} (max_repeated_share). If each file is a whole dump, set `several_files: "
            "snapshots`, so that of each playlist the last file counts."
        )


def _count_repeating(sequences: Relation) -> int:
    """Of ``sequences`` (``track_indexes, length``), those that are their own first half or third again and again, or
    in which each track stands twice or three times in a row, and that hold more than one track.
    """
    again = " OR ".join(f"(length % {n} = 0 AND ({_one_after_another(n)} OR {_in_a_row(n)}))" for n in (2, 3))
    # The first track comes again in all of them, which is seen at once, and within CASE before anything else.
    begins = "track_indexes[1] IN (track_indexes[2], track_indexes[length // 2 + 1], track_indexes[length // 3 + 1])"
    repeats = f"({again}) AND len(list_distinct(track_indexes)) > 1"
    return count_rows(sequences.filter(f"CASE WHEN length >= 4 AND {begins} THEN {repeats} ELSE false END"))


def _one_after_another(times: int) -> str:
    part = f"length // {times}"
    return f"track_indexes[1:length - {part}] = track_indexes[{part} + 1:length]"


def _in_a_row(times: int) -> str:
    return " AND ".join(
        f"track_indexes[1:length - {times - 1}:{times}] = track_indexes[{place}:length - {times - place}:{times}]"
        for place in range(2, times + 1)
    )


def refuse_repeating(sequences: Relation, max_share: float) -> dict[str, int]:
    """How many of ``sequences`` (``track_indexes, length``) repeat themselves, as ``repeating``.

    Raises DataError: more than ``max_share`` of them.
    """
    found, total = _count_repeating(sequences), count_rows(sequences)
    if found > max_share * total:
        raise DataError(
            f"{found:,} of {total:,} playlists repeat themselves (A B C A B C, or A A B B C C), as when a file is read "
            f"twice or a join doubled its rows; expected at most {max_share:.0%}. Remove the repeated rows from the "
            "source; if they are right, raise `max_repeated_share`."
        )
    return {"repeating": found}
