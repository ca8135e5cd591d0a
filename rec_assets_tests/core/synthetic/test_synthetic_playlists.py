"""Without these, the sample that everybody starts with could change, or lose what makes it worth learning from."""

import gzip
import re
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from gensim.models import Word2Vec

from rec_assets.core.base.errors import SettingsError
from rec_assets.core.synthetic import SAMPLE_ROWS, writers
from rec_assets.core.synthetic.writers import PARQUET_SCHEMA, write_synthetic_playlists
from rec_assets.paths import SYNTHETIC_SAMPLE
from rec_assets.serving.main import make_playlists

ROWS = 20_000
Row = tuple[str, str, str, str]


def read_lines(path: Path) -> list[str]:
    content = path.read_bytes()
    text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
    assert text.endswith("\n")
    return text.split("\n")[:-1]


def split_line(line: str) -> Row | None:
    """The four fields, or None for a broken line; written apart from the package's own reader."""
    fields = line[1:-1].split('","')
    return (fields[0], fields[1], fields[2], fields[3]) if len(fields) == 4 and line[-1] == '"' else None


def read_rows(path: Path) -> list[Row]:
    return [row for line in read_lines(path)[1:] if (row := split_line(line))]


def placeable(rows: list[Row]) -> list[Row]:
    return [row for row in rows if row[0] and row[3] and (row[1] or row[2])]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("synthetic") / "rows.csv"
    write_synthetic_playlists(path, rows=ROWS, seed=3)
    return path


def test_the_command_reproduces_the_shipped_sample(tmp_path):
    path = tmp_path / "again.csv.gz"
    result = CliRunner().invoke(make_playlists, [str(path)])
    assert result.exit_code == 0, result.output
    assert gzip.decompress(path.read_bytes()) == gzip.decompress(SYNTHETIC_SAMPLE.read_bytes())


def test_same_seed_same_bytes_whatever_the_batch_size(written, tmp_path, monkeypatch):
    monkeypatch.setattr(writers, "BATCH_ROWS", 1_000)
    write_synthetic_playlists(tmp_path / "again.csv", rows=ROWS, seed=3)
    assert (tmp_path / "again.csv").read_bytes() == written.read_bytes()


def test_packed_files_are_equal_byte_for_byte_and_hold_the_plain_text(written, tmp_path):
    for name in ("one.csv.gz", "two.csv.gz"):
        write_synthetic_playlists(tmp_path / name, rows=ROWS, seed=3)
    assert (tmp_path / "one.csv.gz").read_bytes() == (tmp_path / "two.csv.gz").read_bytes()
    assert gzip.decompress((tmp_path / "one.csv.gz").read_bytes()) == written.read_bytes()


def test_another_seed_makes_other_rows(written, tmp_path):
    write_synthetic_playlists(tmp_path / "other.csv", rows=ROWS, seed=4)
    assert not set(read_lines(tmp_path / "other.csv")[1:]) & set(read_lines(written)[1:])


def test_lines_are_in_the_public_dialect(written):
    header, *lines = read_lines(written)
    assert header == '"user_id", "artistname", "trackname", "playlistname"'
    assert len(lines) == ROWS
    broken = [line for line in lines if split_line(line) is None]
    assert len(broken) == 4
    assert all(re.fullmatch(r'"([0-9a-f]{32})?",".*",".*",".*"', line) for line in lines if line not in broken)
    assert not any("\\" in line or "\r" in line for line in lines)


def test_parquet_holds_the_same_rows_with_nulls_for_empty_fields(written, tmp_path):
    write_synthetic_playlists(tmp_path / "rows.parquet", rows=ROWS, seed=3)
    table = pq.read_table(tmp_path / "rows.parquet")
    assert table.schema.equals(PARQUET_SCHEMA)
    lines = read_lines(written)[1:]
    expected = [(index, *row) for index, line in enumerate(lines) if (row := split_line(line))]
    columns = [column.to_pylist() for column in table.columns]
    assert [(row_id, *(text or "" for text in texts)) for row_id, *texts in zip(*columns, strict=True)] == expected
    assert "" not in {text for column in columns[1:] for text in column}


@pytest.mark.parametrize(
    ("rows", "users", "playlists", "tracks"),
    [(3_000, 34, 492, 1_100), (ROWS, 137, 1_986, 5_000), (SAMPLE_ROWS, 344, 4_992, 13_400)],
)
def test_counts_follow_the_number_of_rows(rows, users, playlists, tracks, tmp_path):
    write_synthetic_playlists(tmp_path / "rows.csv", rows=rows)
    assert len(read_lines(tmp_path / "rows.csv")) == rows + 1
    found = placeable(read_rows(tmp_path / "rows.csv"))
    assert len({row[0] for row in found}) == pytest.approx(users, rel=0.05)
    assert len({(row[0], row[3]) for row in found}) == pytest.approx(playlists, rel=0.2)
    assert len({row[1:3] for row in found}) == pytest.approx(tracks, rel=0.3)


def test_the_sample_has_a_long_tail_and_long_playlists():
    rows = placeable(read_rows(SYNTHETIC_SAMPLE))
    tracks = Counter(row[1:3] for row in rows)
    lengths = Counter((row[0], row[3]) for row in rows)
    assert 0.20 < sum(count >= 3 for count in tracks.values()) / len(tracks) < 0.30
    assert sum(row[3] == "Starred" for row in rows) / len(rows) == pytest.approx(0.1, abs=0.005)
    assert len({row[0] for row in rows if row[3] == "Starred"}) > 100
    assert max(lengths.values()) > 50 * sorted(lengths.values())[len(lengths) // 2]


def test_the_sample_has_the_awkward_rows_of_the_public_file():
    assert SYNTHETIC_SAMPLE.stat().st_size < 1_000_000
    rows = read_rows(SYNTHETIC_SAMPLE)
    assert sum(not artist and bool(track) for _, artist, track, _ in rows) == 182
    assert sum(bool(artist) and not track for _, artist, track, _ in rows) == 10
    assert SAMPLE_ROWS - len(placeable(rows)) == 4 + 3 + 8 + 2  # broken, neither, no playlist, no user
    assert sum(playlist == '"/' for *_, playlist in rows) == 23
    assert any(artist.endswith('"La Luna"') for _, artist, _, _ in rows)
    assert any(track.endswith('"') for _, _, track, _ in rows)
    assert any("," in track for _, _, track, _ in rows)
    assert any(not "".join(row).isascii() for row in rows)


@pytest.mark.parametrize("name", ["rows.csv", "rows.csv.gz", "rows.parquet"])
def test_a_failure_midway_leaves_the_old_file_and_nothing_else(name, tmp_path, monkeypatch):
    (tmp_path / name).write_text("old")
    batches = writers._row_batches

    def fail_after_one(plan):
        yield next(batches(plan))
        raise OSError("no space left")

    monkeypatch.setattr(writers, "_row_batches", fail_after_one)
    with pytest.raises(OSError, match="no space left"):
        write_synthetic_playlists(tmp_path / name, rows=ROWS)
    assert (tmp_path / name).read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    ("name", "rows", "seed", "message"),
    [
        ("rows.csv", 99, 7, "rows is 99; expected at least 100"),
        ("rows.csv", ROWS, -1, "seed is -1"),
        ("rows.json", ROWS, 7, r"rows.json: expected a name that ends in one of \.csv, \.csv\.gz, \.parquet"),
    ],
)
def test_wrong_settings_are_named_and_nothing_is_written(name, rows, seed, message, tmp_path):
    with pytest.raises(SettingsError, match=message):
        write_synthetic_playlists(tmp_path / name, rows=rows, seed=seed)
    assert not list(tmp_path.iterdir())


def test_the_command_reports_wrong_settings_without_a_traceback(tmp_path):
    result = CliRunner().invoke(make_playlists, [str(tmp_path / "rows.csv"), "--rows", "5"])
    assert result.exit_code == 1
    assert result.output == "Error: rows is 5; expected at least 100\n"


def test_the_tutorials_model_beats_popularity_fivefold_on_the_sample():
    playlists: dict[tuple[str, str], list[str]] = {}
    for user, artist, track, playlist in placeable(read_rows(SYNTHETIC_SAMPLE)):
        playlists.setdefault((user, playlist), []).append(f"{artist}|||{track}")
    sequences = [tracks for tracks in playlists.values() if len(tracks) > 2]
    held_out = [tracks for index, tracks in enumerate(sequences) if index * 7 % 10 >= 7]
    training = [tracks for index, tracks in enumerate(sequences) if index * 7 % 10 < 7]
    model = Word2Vec(
        training, vector_size=48, window=10, min_count=3, epochs=30, ns_exponent=0.75, workers=1, seed=1
    ).wv
    popular = dict(Counter(track for tracks in training for track in tracks).most_common(100))
    popular_hits = sum(tracks[-1] in popular for tracks in held_out)
    hits = sum(
        tracks[-1] in dict(model.most_similar(tracks[-2], topn=100)) for tracks in held_out if tracks[-2] in model
    )
    assert hits / len(held_out) > 0.4
    assert hits >= 5 * popular_hits > 0
