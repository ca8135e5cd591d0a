"""Without these, tracks could get other numbers or names, and playlists another order, than their rows say."""

from pathlib import Path

import duckdb
import pytest

from rec_assets.core.base.errors import DataError
from rec_assets.core.base.relations import Relation
from rec_assets.core.playlists.catalog import (
    artist_and_track,
    build_track_catalog,
    describe_playlists,
    names_of,
    with_names,
)
from rec_assets.core.playlists.sequences import build_sequences, count_playlists

ROWS = [
    (0, "u", "p", "A", "x"), (1, "u", "p", "A", "x"), (2, "u", "p", None, "y"), (3, "u", "q", "A", None),
    (4, "v", "p", "A", "x"), (5, "v", "p", None, "y"), (6, "v", "p", "B", "z"), (7, "u", "q", "B", "z"),
]  # fmt: skip


@pytest.fixture
def rows(connection: duckdb.DuckDBPyConnection) -> Relation:
    connection.execute(
        "CREATE TABLE r (row_id BIGINT, user_id VARCHAR, playlist VARCHAR, artist VARCHAR, track VARCHAR)"
    )
    connection.executemany("INSERT INTO r VALUES (?, ?, ?, ?, ?)", ROWS)
    return connection.table("r")


@pytest.mark.parametrize("at_once", [1, 3, 100])
def test_tracks_are_numbered_from_the_most_frequent_an_empty_field_is_a_value(
    connection: duckdb.DuckDBPyConnection, rows: Relation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr("rec_assets.core.playlists.catalog.TRACKS_IN_A_JOIN", at_once)

    assert build_track_catalog(connection, rows, tmp_path).fetchall() == [
        (0, "A", "x", 3),
        (1, None, "y", 2),
        (2, "B", "z", 2),
        (3, "A", None, 1),
    ]


def test_names_say_what_is_unknown(connection: duckdb.DuckDBPyConnection, rows: Relation, tmp_path: Path) -> None:
    catalog = build_track_catalog(connection, rows, tmp_path)

    assert names_of(catalog, [3, 1, 3]) == ["A – unknown track", "unknown artist – y", "A – unknown track"]
    assert artist_and_track(catalog, [2, 1]) == [("B", "z"), (None, "y")]
    assert with_names(catalog, [{"track_index": 3, "place": 1}]) == [
        {"track_index": 3, "place": 1, "artist": "A", "track": None}
    ]
    with pytest.raises(KeyError):
        names_of(catalog, [77])


def test_a_playlist_is_user_and_name_in_the_order_of_row_ids(
    connection: duckdb.DuckDBPyConnection, rows: Relation, tmp_path: Path
) -> None:
    backwards = rows.order("row_id DESC")
    catalog = build_track_catalog(connection, rows, tmp_path)
    found = build_sequences(connection, backwards, catalog, tmp_path, min_tracks=3).fetchall()

    assert found == [("u", "p", [0, 0, 1], 3), ("v", "p", [0, 1, 2], 3)]


def test_without_users_a_playlist_is_its_name(
    connection: duckdb.DuckDBPyConnection, rows: Relation, tmp_path: Path
) -> None:
    nobody = rows.select("row_id, NULL::VARCHAR AS user_id, playlist, artist, track")
    catalog = build_track_catalog(connection, nobody, tmp_path)
    found = build_sequences(connection, nobody, catalog, tmp_path, min_tracks=2).fetchall()

    assert found == [(None, "p", [0, 0, 1, 0, 1, 2], 6), (None, "q", [3, 2], 2)]
    counts = describe_playlists(nobody)
    assert (counts["users"], counts["playlists"]) == (0, 2)


def test_a_catalog_of_other_rows_is_refused(
    connection: duckdb.DuckDBPyConnection, rows: Relation, tmp_path: Path
) -> None:
    catalog = build_track_catalog(connection, rows, tmp_path).filter("track_index > 0")

    with pytest.raises(DataError, match=r"tracks of 3 of 6 rows of raw_playlists: .* Materialize track_catalog"):
        build_sequences(connection, rows, catalog, tmp_path, min_tracks=3)


@pytest.mark.parametrize("in_a_join", [0, 100])
def test_long_and_many_playlists_are_cut_where_one_ends(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_a_join: int
) -> None:
    monkeypatch.setattr("rec_assets.core.playlists.sequences.TRACKS_IN_A_JOIN", in_a_join)
    lengths = "1 + (range % 7) + CASE WHEN range % 1000 = 999 THEN 400_000 ELSE 0 END"
    connection.sql(
        f"""CREATE TABLE long AS
            SELECT row_number() OVER () AS row_id, NULL::VARCHAR AS user_id, format('{{:05d}}', range) AS playlist,
                'A' AS artist, 't' || (number * 7 + range) % 11 AS track
            FROM (SELECT range, unnest(generate_series(1, {lengths})) AS number FROM range(2_500))"""
    )
    rows = connection.table("long")
    catalog = build_track_catalog(connection, rows, tmp_path)
    expected = connection.sql(
        """SELECT playlist, list(track_index ORDER BY row_id) AS tracks, count(*) FROM long JOIN catalog USING (track)
           GROUP BY playlist ORDER BY playlist"""
    ).fetchall()

    found = build_sequences(connection, rows, catalog, tmp_path, min_tracks=1).fetchall()

    assert [file.name for file in tmp_path.iterdir()] == ["named_tracks_0.parquet"]  # which the catalog is read from

    assert [row[1:] for row in found] == expected


def playlists_of(connection: duckdb.DuckDBPyConnection, *tracks: int) -> Relation:
    """Rows of playlists with so many ``tracks``."""
    owners = [f"p{number}" for number, count in enumerate(tracks) for _ in range(count)]
    return connection.sql(f"SELECT 'u' AS user_id, unnest({owners}) AS playlist")


def test_what_is_left_out_is_counted(connection: duckdb.DuckDBPyConnection) -> None:
    rows = playlists_of(connection, 3, 4, 2, 5)

    counts = count_playlists(rows, min_tracks=3, sample_percent=100, sample_seed=0)

    assert counts == {"all_playlists": 4, "not_sampled": 0, "too_short": 1, "kept": 3}


@pytest.mark.parametrize(
    ("tracks", "settings", "remedy"),
    [
        ((9, 9, 5, 2), {"min_tracks": 6}, {"min_tracks": 5}),
        ((9, 9, 9, 2), {"sample_percent": 1e-6}, {"sample_percent": 100}),
        ((9, 9, 2), {"sample_percent": 1e-6}, {"min_tracks": 2, "sample_percent": 100}),
    ],
)
def test_too_few_playlists_are_refused_with_settings_under_which_there_are_enough(
    connection: duckdb.DuckDBPyConnection, tracks: tuple[int, ...], settings: dict, remedy: dict
) -> None:
    rows, settings = playlists_of(connection, *tracks), {"min_tracks": 3, "sample_percent": 100, **settings}
    with pytest.raises(DataError) as caught:
        count_playlists(rows, sample_seed=0, **settings)

    advice = str(caught.value).partition(" Set ")[2].partition(", or bring more playlists.")[0]
    assert advice == " and ".join(f"{name} to {value}" for name, value in remedy.items())
    assert count_playlists(rows, sample_seed=0, **{**settings, **remedy})["kept"] == 3


def test_where_no_setting_helps_the_playlists_that_are_needed_are_named(connection: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(DataError, match=r"Bring 3 playlists of 3 tracks or more\.$"):
        count_playlists(playlists_of(connection, 9, 9, 1), min_tracks=3, sample_percent=100, sample_seed=0)


@pytest.mark.parametrize("user", ["'u'", "NULL::VARCHAR"])
def test_a_sample_is_about_its_share_seeded_and_the_counts_agree(
    connection: duckdb.DuckDBPyConnection, user: str, tmp_path: Path
) -> None:
    rows = connection.sql(
        f"SELECT range AS row_id, {user} AS user_id, 'p' || range // 4 AS playlist,"
        " 'A' AS artist, 't' || range % 9 AS track"
        " FROM range(8000)"
    )
    catalog = build_track_catalog(connection, rows, tmp_path)

    def sample(percent: float, seed: int) -> set[str]:
        own = {"sample_percent": percent, "sample_seed": seed}
        found = build_sequences(connection, rows, catalog, tmp_path, **own).fetchall()
        counts = count_playlists(rows, min_tracks=3, **own)
        assert counts["kept"] == len(found) == 2000 - counts["not_sampled"]
        return {row[1] for row in found}

    assert 150 < len(sample(10, 0)) < 250
    assert sample(10, 0) < sample(30, 0)  # a larger sample holds the smaller one
    assert sample(10, 0) != sample(10, 1)
    assert len(sample(100, 0)) == 2000
