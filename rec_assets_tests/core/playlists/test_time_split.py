"""Without these, a model that is asked to be measured on later playlists could have been trained on them."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner

from rec_assets.core.base.errors import DataError
from rec_assets.core.base.relations import Relation
from rec_assets.core.playlists.catalog import build_track_catalog
from rec_assets.core.playlists.readers.files import locate, open_archives
from rec_assets.core.playlists.readers.settings import SourceSettings
from rec_assets.core.playlists.readers.staging import stage_playlists
from rec_assets.core.playlists.sequences import build_sequences
from rec_assets.core.playlists.splits import Split, split_sequences
from rec_assets.core.playlists.times import reach_of
from rec_assets.serving.main import main

SHARES = {"train": 0.7, "validation": 0.2, "test": 0.1}
EXPECTED = {"train": [f"p{n}" for n in range(7)], "validation": ["p7", "p8"], "test": ["p9"]}
# Of each playlist one row is older than all last rows; the last one is of the third to the twelfth.
ROWS = """SELECT 'p' || n AS playlist, 'a' AS artist, 'T' || n || place AS track, 2 - place AS position,
    make_timestamp(2024, 1, [1, 2, n + 3][place + 1], 0, 0, 0) AS day FROM range(10) _(n), range(3) _(place)"""

Sequences = Callable[..., Relation]


def write(connection: duckdb.DuckDBPyConnection, path: Path, time: str = "day", order: str = "hash(track)") -> Path:
    """``ROWS`` in a file of the format of its suffix, with SQL ``time`` as the column `when`."""
    connection.sql(f"COPY (SELECT * EXCLUDE day, {time} AS \"when\" FROM ({ROWS}) ORDER BY {order}) TO '{path}'")
    return path


@pytest.fixture
def sequences(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> Sequences:
    def read(path: Path, **settings: Any) -> Relation:
        files, _ = open_archives(locate(str(path)))
        staged = stage_playlists(connection, files, SourceSettings(**settings), tmp_path)
        rows = connection.from_arrow(staged.rows.to_arrow_table())  # else each use would read the file again
        catalog = build_track_catalog(connection, rows, tmp_path)
        whole = build_sequences(connection, rows, catalog, tmp_path, min_tracks=2)
        return connection.from_arrow(whole.to_arrow_table())

    return read


def by_time(whole: Relation) -> dict[str, Relation]:
    return split_sequences(whole, shares=SHARES, seed=1, split=Split.time)


def parts_of(whole: Relation) -> dict[str, list[str]]:
    return {
        part: sorted(name for (name,) in found.select("playlist").fetchall()) for part, found in by_time(whole).items()
    }


@pytest.mark.parametrize(
    ("suffix", "time"),
    [
        *(("csv", time) for time in ("day", "strftime(day, '%d %b %Y, %H:%M')", "epoch(day)")),
        *(("json", time) for time in ("day::DATE", "epoch_ms(day)")),
        *(("parquet", time) for time in ("day", "day::DATE", "epoch_ns(day)")),
    ],
)
def test_the_newest_row_of_a_playlist_decides_whatever_the_time_looks_like(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, sequences: Sequences, suffix: str, time: str
) -> None:
    path = write(connection, tmp_path / f"p.{suffix}", time)

    for settings in ({"order": "when"}, {"order": "when desc", "join_spellings": True}):
        whole = sequences(path, **settings)
        assert parts_of(whole) == EXPECTED
        assert {part: list(reach_of(found).values()) for part, found in by_time(whole).items()} == {
            "train": ["2024-01-03 00:00:00", "2024-01-09 00:00:00"],
            "validation": ["2024-01-10 00:00:00", "2024-01-11 00:00:00"],
            "test": ["2024-01-12 00:00:00", "2024-01-12 00:00:00"],
        }


def test_what_is_converted_keeps_its_times(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, sequences: Sequences
) -> None:
    path, target = write(connection, tmp_path / "p.csv"), tmp_path / "out.parquet"
    (tmp_path / "c.yaml").write_text("order: when")
    result = CliRunner().invoke(main, ["convert", "csv", str(path), str(target), "--config", str(tmp_path / "c.yaml")])

    assert result.exit_code == 0, result.output
    assert parts_of(sequences(target, order="time")) == EXPECTED


def test_past_sessions_of_a_history_are_trained_on_and_later_ones_tested(tmp_path: Path, sequences: Sequences) -> None:
    plays = [(user, 1_700_000_000 + 86_400 * day + minute) for user in "uvw" for day in range(10) for minute in (0, 60)]
    lines = [f"{user},a,t{at},{at}" for user, at in plays[::-1]]
    path = tmp_path / "history.csv"
    path.write_text("\n".join(["user,artist,track,timestamp", *lines]))

    train, validation, test = parts_of(sequences(path)).values()

    assert [len(part) for part in (train, validation, test)] == [21, 6, 3]
    assert max(train) < min(validation) <= max(validation) < min(test)


def test_a_row_without_a_time_is_a_reject_and_the_others_say_how_old_the_playlist_is(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, sequences: Sequences
) -> None:
    path = write(connection, tmp_path / "p.csv", "CASE WHEN track = 'T92' THEN 'soon' ELSE day::VARCHAR END")
    whole = sequences(path, order="when")

    assert whole.filter("playlist = 'p9'").select("length, ended_at").fetchall() == [(2, 1_704_153_600)]
    assert "p9" in parts_of(whole)["train"]


def test_playlists_without_times_are_refused_and_the_advice_is_right(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, sequences: Sequences
) -> None:
    path = write(connection, tmp_path / "p.csv")
    assert "ended_at" not in sequences(path).columns

    for settings, found in [({}, "the playlists have none"), ({"order": "position"}, "places of the tracks")]:
        with pytest.raises(DataError, match=found) as refused:
            by_time(sequences(path, **settings))
        advised = dict(re.findall(r"`(\w+): (\w+)`", str(refused.value)))
        assert advised.pop("split") == "random"
        assert advised == {"order": "COLUMN"}
    assert parts_of(sequences(path, order="when")) == EXPECTED


@pytest.mark.parametrize(
    ("numbers", "shown"),
    [
        ([20_240_131, 20_251_231], ["20240131", "20251231"]),  # which a run says in place of a day in 1970
        ([-86_400, 1_700_000_000], ["1969-12-31 00:00:00", "2023-11-14 22:13:20"]),
        ([0, 1e27], ["1970-01-01 00:00:00", "1e+27"]),
    ],
)
def test_numbers_that_are_no_unix_times_are_shown_as_they_are(
    connection: duckdb.DuckDBPyConnection, numbers: list[float], shown: list[str]
) -> None:
    reach = reach_of(connection.sql(f"SELECT unnest({numbers})::DOUBLE AS ended_at"))
    assert reach == dict(zip(("first_ended_at", "last_ended_at"), shown, strict=True))
