"""Without these, files that people have would be read wrongly without a word, or refused with advice that fails."""

import gzip
import io
import json
import re
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
import yaml
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from rec_assets.core.base.errors import RecAssetsError, SourceError
from rec_assets.core.playlists.readers import lines
from rec_assets.core.playlists.readers.bounded_json import BoundedJson
from rec_assets.core.playlists.readers.files import SourceFile, content_digest, locate, open_archives
from rec_assets.core.playlists.readers.settings import SourceSettings
from rec_assets.core.playlists.readers.staging import StagedPlaylists, stage_playlists
from rec_assets.serving.main import main

DOCUMENT = Path(__file__).parents[3] / "docs" / "your-playlists.md"
EXAMPLE = re.compile(
    r"`(?P<name>[^`\n]+)`\n\n```\w+\n(?P<content>.*?)```\n\n(?:Settings: `(?P<settings>[^\n]*)`\n\n)?"
    r"Read as (?P<rows>\d+) rows?; the first: (?P<first>[^\n]*)\.\n",
    re.DOTALL,
)
HEADER = "user_id,playlist,artist,track"

Stage = Callable[..., StagedPlaylists]


@pytest.fixture
def stage(tmp_path: Path, connection: duckdb.DuckDBPyConnection) -> Stage:
    scratch = tmp_path / ".scratch"
    scratch.mkdir()

    def read(location: Path, **values: object) -> StagedPlaylists:
        files, _ = open_archives(locate(str(location)))
        return stage_playlists(connection, files, SourceSettings(**values), scratch)

    return read


def write(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def rows(staged: StagedPlaylists, columns: str = "user_id, playlist, artist, track") -> list[tuple]:
    return staged.rows.order("row_id").select(columns).fetchall()


def tracks(staged: StagedPlaylists) -> list[str]:
    return [track for (track,) in rows(staged, "track")]


@pytest.mark.parametrize("example", list(EXAMPLE.finditer(DOCUMENT.read_text())), ids=lambda example: example["name"])
def test_the_documents_examples_are_read_as_it_says(tmp_path: Path, stage: Stage, example: re.Match) -> None:
    path = write(tmp_path / "source" / example["name"], example["content"])

    staged = stage(path, **yaml.safe_load(example["settings"] or "{}"))

    told = dict(re.findall(r"(user|playlist|artist|track) `([^`]*)`", example["first"]))
    assert len(rows(staged)) == int(example["rows"])
    assert rows(staged)[0] == tuple(told.get(name) for name in ("user", "playlist", "artist", "track"))
    assert staged.reject_count == 0


# Advice


def settings_in(error: Exception, setting: str) -> dict[str, object]:
    """What the message says to set, as YAML reads it."""
    found = re.findall(rf"`({setting}: [^`]*)`", str(error))
    return yaml.safe_load(found[-1])


@pytest.mark.parametrize(
    ("content", "values", "setting"),
    [
        ("user_id,the playlist,artist,track\nu,p,a,t\n", {}, "columns"),
        ('user_id,"my ""playlists""",artist,track\nu,p,a,t\n', {}, "columns"),
        ("user_id,playlist,artist,my track: title\nu,p,,t\n", {"columns": {"track": "my track title"}}, "columns"),
        ("user_id,artist,track\nu,a,t\n", {}, "columns"),
        ("artist,track\na,t\n", {}, "columns"),
        ("user_id,playlist,artist,track,played at\nu,p,a,t,3\n", {"order": "played"}, "order"),
        (f"{HEADER}\nu,p,a,t\n", {"session_gap_minutes": 30}, "session_gap_minutes"),
    ],
)
def test_the_settings_that_a_message_advises_lead_to_the_rows(
    tmp_path: Path, stage: Stage, content: str, values: dict, setting: str
) -> None:
    path = write(tmp_path / "p.csv", content)
    with pytest.raises(SourceError) as caught:
        stage(path, **values)
    assert str(path) in str(caught.value)

    staged = stage(path, **{**values, **settings_in(caught.value, setting)})

    assert tracks(staged) == ["t"]


def test_all_missing_columns_are_named_at_once_and_only_a_name_that_is_alike_is_proposed(
    tmp_path: Path, stage: Stage
) -> None:
    path = write(tmp_path / "p.csv", "id,foo,song name 1\n1,2,3\n")

    with pytest.raises(SourceError) as caught:
        stage(path)

    assert "has no column for `track` and `playlist`; it has 'id', 'foo', 'song name 1'." in str(caught.value)
    assert '`columns: {track: "song name 1", playlist: NAME}`' in str(caught.value)


def test_a_header_for_a_file_without_one_is_asked_for_and_its_length_is_checked(tmp_path: Path, stage: Stage) -> None:
    path = write(tmp_path / "p.csv", "1|2014-04-07T10:51:09.277Z|214|0\n1|2014-04-07T10:51:19.277Z|215|0\n")
    with pytest.raises(SourceError, match="set `header` to a list of names, one for each of its 4 columns"):
        stage(path)
    with pytest.raises(SourceError, match=r"has 4 columns in its first line .* and `header` names 2"):
        stage(path, header=["playlist", "track"])

    assert rows(stage(path, header=["playlist", "time", "track", "kind"])) == [
        (None, "1", None, "214"),
        (None, "1", None, "215"),
    ]


def test_a_file_beside_the_playlists_is_named_with_the_others_as_source(tmp_path: Path, stage: Stage) -> None:
    good = write(tmp_path / "dl" / "playlists.csv", f"{HEADER}\nu,p,a,t\n")
    write(tmp_path / "dl" / "features.csv", "track_id,danceability\n1,0.5\n")

    with pytest.raises(
        SourceError, match=rf"features\.csv has no column .* set `source` to the others, such as {good}"
    ):
        stage(tmp_path / "dl")

    assert tracks(stage(good)) == ["t"]


@pytest.mark.parametrize(
    ("content", "what", "mended"),
    [
        (b"<!DOCTYPE html><html>log in</html>", "a web page", None),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "the pointer that Git LFS keeps", None),
        (b"BZh9" + bytes(9), "compressed by bzip2", None),
        (b"\xfd7zXZ\0" + bytes(9), "compressed by xz", None),
        (b"\x28\xb5\x2f\xfd" + bytes(9), "compressed by zstd", None),
        (bytes(257) + b"ustar" + bytes(9), "a tar archive", None),
        (f"{HEADER}\n".encode("utf-16"), "text in UTF-16. Save it in UTF-8", None),
        (f"{HEADER},é\n".encode("latin1"), "not in UTF-8", f"{HEADER},é\nu,p,a,t,\n".encode()),
        (b"{}", "JSON without a list of records", b'{"playlist": "p", "track": "t"}'),
        (b'[{"playlist": "p", "track": "t"', "not whole JSON", b'[{"playlist": "p", "track": "t"}]'),
        (b"0 1 2 3\n4 5 6\n", "write a row for each track", f"{HEADER}\nu,p,a,t\n".encode()),
    ],
)
def test_what_is_no_table_is_told_by_what_it_is(
    tmp_path: Path, stage: Stage, content: bytes, what: str, mended: bytes | None
) -> None:
    path = write(tmp_path / "p.csv", content)

    with pytest.raises(SourceError, match=f"(?i){re.escape(what)}") as caught:
        stage(path)

    assert str(path) in str(caught.value)
    if mended is not None:
        assert tracks(stage(write(path, mended))) == ["t"]


# Columns and text


@pytest.mark.parametrize(
    "header",
    [
        "User ID,Playlist,Artist,Track",
        "USER_ID, PLAYLIST, ARTIST, TRACK",
        '" ""userid"""," ""playlistname"""," ""artistname"""," ""trackname"""',
        "username\tPlaylist Title\tArtist Name(s)\tTrack Name",
        "sep=;\nuser;playlist;artist;song",
        "user|playlist uri|artists|title",
    ],
)
def test_the_usual_names_are_known_however_they_are_written(tmp_path: Path, stage: Stage, header: str) -> None:
    delimiter = next(one for one in "\t|;," if one in header.splitlines()[-1])
    row = delimiter.join(["u", "p", "a", "t"])

    assert rows(stage(write(tmp_path / "p.csv", f"\ufeff{header}\r\n{row}\r\n"))) == [("u", "p", "a", "t")]


@pytest.mark.parametrize(("name", "character"), [("comma", ","), ("semicolon", ";"), ("tab", "\t"), ("bar", "|")])
def test_a_delimiter_is_named_and_no_other_is_tried(tmp_path: Path, stage: Stage, name: str, character: str) -> None:
    other = ";" if character == "," else ","
    path = write(tmp_path / "p.csv", f"playlist{other}id{character}track{other}title\np{other}q{character}t{other}u\n")
    columns = {"playlist": f"playlist{other}id", "track": f"track{other}title"}

    assert rows(stage(path, delimiter=name, columns=columns), "playlist, track") == [(f"p{other}q", f"t{other}u")]


@pytest.mark.parametrize(
    ("sql", "text"),
    [("1.0::DOUBLE", "1"), ("1.5::FLOAT", "1.5"), ("7.00::DECIMAL(9, 2)", "7"), ("'x'::BLOB", "x"), ("3::HUGEINT", "3"),
     ("'nan'::DOUBLE", None), ("NULL", None), ("DATE '2020-01-02'", "2020-01-02"), ("' e\u0301 '", "é")],
)  # fmt: skip
def test_a_scalar_has_one_text_from_parquet_and_from_csv(
    tmp_path: Path, stage: Stage, connection: duckdb.DuckDBPyConnection, sql: str, text: str | None
) -> None:
    table = connection.sql(f"SELECT 1.0::DOUBLE AS user_id, 'p' AS playlist, {sql} AS artist, 't' AS track")
    table.to_parquet(str(tmp_path / "p.parquet"))
    assert rows(stage(tmp_path / "p.parquet")) == [("1", "p", text, "t")]

    if text != "x":  # DuckDB writes bytes to CSV in a form of its own
        table.to_csv(str(tmp_path / "p.csv"))
        assert rows(stage(tmp_path / "p.csv"), "user_id, artist") == [("1", text if sql != "'nan'::DOUBLE" else "nan")]


def test_lists_in_parquet_are_a_row_for_each_track(
    tmp_path: Path, stage: Stage, connection: duckdb.DuckDBPyConnection
) -> None:
    lists = "SELECT 5 AS playlist_id, ['a', 'b'] AS artists, ['x', 'y'] AS tracks, ['rock'] AS genres"
    connection.sql(f"{lists} UNION ALL SELECT 6, ['c'], ['z'], []").to_parquet(str(tmp_path / "l.parquet"))
    records = "SELECT 'mine' AS name, [{'artist': 'a', 'title': 'x'}, {'artist': 'b', 'title': 'y'}] AS tracks"
    connection.sql(records).to_parquet(str(tmp_path / "r.parquet"))
    connection.sql("SELECT [1, 2] AS sequence UNION ALL SELECT [3]").to_parquet(str(tmp_path / "s.parquet"))

    assert rows(stage(tmp_path / "l.parquet"))[:2] == [(None, "5", "a", "x"), (None, "5", "b", "y")]
    assert rows(stage(tmp_path / "r.parquet")) == [(None, "mine", "a", "x"), (None, "mine", "b", "y")]
    assert rows(stage(tmp_path / "s.parquet"), "playlist, track") == [("0", "1"), ("0", "2"), ("1", "3")]


def test_texts_for_nothing_are_noted_and_the_advice_makes_them_empty(tmp_path: Path, stage: Stage) -> None:
    path = write(tmp_path / "p.csv", f"{HEADER}\nu,p,NULL,t\n\\N,p,\\N,t\nu,p,NA,t\n")
    (note,) = stage(path).notes
    assert "artist is NULL in 1" in note

    staged = stage(path, **settings_in(Exception(note), "missing_values"))

    assert rows(staged, "artist") == [(None,), ("NA",)]
    assert staged.rejects.select("reason").fetchall() == [("no user",)]


def test_rows_are_rejects_where_the_header_stands_again(tmp_path: Path, stage: Stage) -> None:
    path = write(tmp_path / "p.csv", f"{HEADER}\nu,p,a,t\n{HEADER}\nu,p,b,s\n")

    assert stage(path).rejects.select("line_number, reason").fetchall() == [(3, "the header again")]


# Order


@pytest.mark.parametrize(
    ("times", "order"),
    [
        (["2024-01-01T10:03:00Z", "2024-01-01T12:01:00+02:00", "2024-01-01 10:02"], [1, 2, 0]),
        (["1700000003.5", "17", "2e3"], [1, 2, 0]),
        (["04 May 2009, 23:59", "05 May 2009, 00:01", "04 May 2009, 23:59"], [0, 2, 1]),
        (["9223372036854775807", "-9223372036854775807", "9223372036854775806"], [1, 2, 0]),
    ],
)
@pytest.mark.parametrize("way", ["", " desc"])
def test_order_follows_a_column_and_ties_follow_the_file(
    tmp_path: Path, stage: Stage, times: list[str], order: list[int], way: str
) -> None:
    lines = [f'u,p,a,{number},"{time}"' for number, time in enumerate([*times, "soon"])]
    path = write(tmp_path / "p.csv", "\n".join([f"{HEADER},When", *lines]))
    if way:
        order = [1, 0, 2] if times[0] == times[2] else order[::-1]

    staged = stage(path, order=f"when{way}")

    assert tracks(staged) == [str(number) for number in order]
    assert staged.rejects.select("reason").fetchall() == [("no number, date or time as when",)]


def test_tracks_of_one_record_keep_their_order_where_the_column_ties(tmp_path: Path, stage: Stage) -> None:
    names = [[f"t{record}-{number}" for number in range(100)] for record in range(2_000)]
    written = [json.dumps({"id": record, "modified": 5, "tracks": own}) for record, own in enumerate(names)]
    path = write(tmp_path / "p.jsonl", "\n".join(written))

    assert tracks(stage(path, order="playlist.modified")) == [name for own in names for name in own]


def test_a_time_that_runs_against_the_rows_is_noted_and_the_advice_turns_them(tmp_path: Path, stage: Stage) -> None:
    lines = [f"u,p{n // 5},a,t{n},{1_700_000_000 - n}" for n in range(20)]
    path = write(tmp_path / "p.csv", "\n".join([f"{HEADER},played at", *lines]))
    (note,) = stage(path).notes
    assert "'played at'" in note

    assert tracks(stage(path, **settings_in(Exception(note), "order"))) == [f"t{n}" for n in reversed(range(20))]


@pytest.mark.parametrize("order", ["", "timestamp desc"])
def test_a_history_is_cut_into_sessions_by_time_whatever_the_unit(tmp_path: Path, stage: Stage, order: str) -> None:
    for unit in (1, 1_000, 1_000_000, 1_000_000_000):
        plays = [(71, "c"), (71, "d"), (70, "b"), (29, "a"), (0, "a")]
        lines = [f"{user},a,{track}{m},{(1_700_000_000 + 60 * m) * unit}" for m, track in plays for user in "uv"]
        path = write(tmp_path / "p.csv", "\n".join(["user,artist,track,timestamp", *lines]))

        staged = stage(path, order=order)

        tracks, ids = staged.rows.select("user_id, playlist, track, row_id"), list(range(10))
        assert [row[0] for row in staged.rows.select("row_id").fetchall()] == ids
        sessions = tracks.aggregate("user_id, playlist, list(track ORDER BY row_id)").order("1, 2").fetchall()
        first, second = ["a0", "a29"], ["b70", "c71", "d71"]
        if order:  # those of one moment stay as they stand
            first, second = ["a29", "a0"], ["c71", "d71", "b70"]
        expected = [("2023-11-14 22:13:20", first), ("2023-11-14 23:23:20", second)]
        assert sessions == [(user, *session) for user in "uv" for session in expected]
        assert any("30 minutes" in note for note in staged.notes)


# Several files


def test_folders_and_archives_are_read_whole_in_natural_order_and_the_rest_is_told(
    tmp_path: Path, stage: Stage
) -> None:
    for number in (10, 2, 1):
        write(tmp_path / "in" / "deep" / f"list {number}.csv", f"{HEADER}\nu,p,a,t{number}\n")
    write(tmp_path / "in" / "notes.txt", "no data")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in ("z/b.tsv", "z/a.csv.gz", "readme.md", "__MACOSX/z/._a.csv"):
            text = f"{HEADER}\nu,p,a,{name}\n".replace(",", "\t" if "tsv" in name else ",").encode()
            archive.writestr(name, gzip.compress(text) if name.endswith(".gz") else text)
    write(tmp_path / "in" / "z.zip", packed.getvalue())

    files, left_out = open_archives(locate(str(tmp_path / "in")))

    assert tracks(stage(tmp_path / "in")) == ["t1", "t2", "t10", "z/a.csv.gz", "z/b.tsv"]
    assert [Path(one).name for one in left_out] == ["notes.txt", "readme.md"]
    assert str(files[-1]).endswith("z.zip/z/b.tsv")


def test_files_that_name_no_playlist_are_one_each(tmp_path: Path, stage: Stage) -> None:
    for name in ("x/Mine.csv", "y/Mine.csv", "y/Other.csv"):
        write(tmp_path / "in" / name, f"Track Name,Artist Name(s)\n{name},a\n")

    assert rows(stage(tmp_path / "in"), "playlist, track") == [
        ("x/Mine", "x/Mine.csv"),
        ("y/Mine", "y/Mine.csv"),
        ("Other", "y/Other.csv"),
    ]


def test_files_of_equal_content_are_refused_by_name(tmp_path: Path) -> None:
    files = [SourceFile(write(tmp_path / name, "same")) for name in ("a.csv", "b.csv")]

    with pytest.raises(SourceError, match=r"a\.csv and .*b\.csv have the same content, so that every playlist"):
        content_digest(files)


def test_a_grown_dump_beside_the_last_is_refused_and_the_advice_takes_the_last(tmp_path: Path, stage: Stage) -> None:
    lines = [f"u,p{n // 4},a,t{n}" for n in range(40)]
    write(tmp_path / "in" / "week 9.csv", "\n".join([HEADER, *lines]))
    write(tmp_path / "in" / "week 10.csv", "\n".join([HEADER, "u,p0,a,new", *lines]))

    with pytest.raises(SourceError, match="10 of 10 playlists stand in several of the files") as caught:
        stage(tmp_path / "in")

    staged = stage(tmp_path / "in", **settings_in(caught.value, "several_files"))
    assert tracks(staged)[:2] == ["new", "t0"]
    assert len(tracks(staged)) == 41


def test_playlists_that_go_on_in_another_file_are_no_repeats(tmp_path: Path, stage: Stage) -> None:
    for part in (1, 2):
        write(tmp_path / "in" / f"{part}.csv", "\n".join([HEADER, *(f"u,p{n},a,t{part}{n}" for n in range(9))]))

    staged = stage(tmp_path / "in")

    assert staged.repeats == {"playlists_in_several_files": 9, "repeated_in_several_files": 0}
    assert len(tracks(staged)) == 18


def test_spellings_become_the_commonest_one_if_asked(tmp_path: Path, stage: Stage) -> None:
    names = ["AC/DC,T.N.T.", "ac/dc,T.N.T", "AC/DC,T.N.T.", "Sigur Rós,x", "Sigur Ros,X", "!!!,Yes", "???,Yes", ",x"]
    path = write(tmp_path / "p.csv", "\n".join([HEADER, *(f"u,p,{name}" for name in names)]))

    joined = rows(stage(path, join_spellings=True), "artist, track")

    assert joined[:3] == [("AC/DC", "T.N.T.")] * 3
    assert joined[3] == joined[4]
    assert joined[5:] == [("!!!", "Yes"), ("???", "Yes"), (None, "x")]


# Malice and accident


@settings(deadline=None, max_examples=60)
@given(
    content=st.lists(
        st.sampled_from(
            [b'"', b",", b";", b"\n", b"\r\n", b"u", b"p,a", b'","', b"\0", b"\xff", b"{", b"[", b'u,p,"a,t\n']
        )
        | st.binary(max_size=3),
        max_size=60,
    ).map(b"".join),
    head=st.sampled_from(
        [f"{HEADER}\n", '"user_id", "playlist", "artist", "track"\n', '{"playlist":"p","track":"t"}\n', ""]
    ),
)
def test_whatever_a_file_holds_every_line_is_a_row_or_a_reject_or_there_is_one_error(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, head: str
) -> None:
    folder = tmp_path_factory.mktemp("any")
    path = write(folder / "p.csv", head.encode() + content)
    with duckdb.connect() as connection:
        try:
            staged = stage_playlists(connection, [SourceFile(path)], SourceSettings(), folder)
            found, rejected = len(staged.rows.fetchall()), staged.rejects.fetchall()
        except RecAssetsError:
            return
    assert (found, len(rejected)) == (staged.row_count, staged.reject_count)
    if not head.startswith("{") and '"' not in content.decode("latin1"):
        written = content.replace(b"\0", b"").rstrip(b"\r\n").split(b"\n")
        assert found + len(rejected) == len(written) - (written == [b""])


def test_a_quote_that_stays_open_costs_its_line_and_time_grows_with_the_lines(tmp_path: Path, stage: Stage) -> None:
    swallowing = [f"{HEADER}", 'u,p,"open,t', *(f"u,p,a{n},t" for n in range(998)), 'u,p,"b",t']
    staged = stage(write(tmp_path / "p.csv", "\n".join(swallowing)))
    assert (staged.row_count, staged.reject_count) == (999, 1)

    staged = stage(write(tmp_path / "p.csv", f"{HEADER}\n" + 'u,p,"a,t\n' * 20_000))
    assert staged.reject_count == 20_000


@pytest.mark.parametrize("number", ["1.5", "1e3", "x", "9223372036854775808"])
def test_a_row_id_that_is_no_whole_number_is_a_reject(tmp_path: Path, stage: Stage, number: str) -> None:
    staged = stage(write(tmp_path / "p.csv", f"row_id,{HEADER}\n{number},u,p,a,t\n8.0,u,p,a,t\n"))

    assert rows(staged, "row_id") == [(8,)]
    assert staged.rejects.select("reason").fetchall() == [("no whole number as row_id",)]


def test_row_ids_at_both_ends_of_their_range_follow_file_by_file(tmp_path: Path, stage: Stage) -> None:
    for name in "ab":
        lines = [f"{number},u,{name},a,{number}" for number in (2**63 - 1, -(2**63))]
        write(tmp_path / "in" / f"{name}.csv", "\n".join([f"row_id,{HEADER}", *lines]))

    assert rows(stage(tmp_path / "in"), "row_id, playlist, track") == [
        (0, "a", str(-(2**63))),
        (1, "a", str(2**63 - 1)),
        (2, "b", str(-(2**63))),
        (3, "b", str(2**63 - 1)),
    ]


def test_a_named_pipe_is_refused_at_once(tmp_path: Path, stage: Stage) -> None:
    import os

    os.mkfifo(tmp_path / "p.csv")

    with pytest.raises(SourceError, match=r"p\.csv is neither a file nor a folder\. Set `source`"):
        stage(tmp_path / "p.csv")


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_json_lines_that_are_no_records_are_rejects(
    tmp_path: Path, stage: Stage, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    monkeypatch.setattr(lines, "BLOCK_BYTES", 10)
    good = json.dumps({"user": "u", "playlist": "p", "artist": "a", "track": "t"})
    staged = stage(write(tmp_path / "p.jsonl", end.join([good, "broken", "", "[1]", good, ""])))

    assert tracks(staged) == ["t", "t"]
    assert staged.rejects.select("line_number, text, reason").fetchall() == [
        (2, "broken", "no JSON object"),
        (4, "[1]", "no JSON object"),
    ]


ROW = '{"user": "u", "playlist": "p", "artist": "a", "track": %s}'


@pytest.mark.parametrize("before", ["", "[" + ROW % '"t"' + ","], ids=["at once", "after a record"])
@pytest.mark.parametrize(
    ("holds", "complaint"),
    [
        ("[" * 60_000, "nested deeper than 100 levels"),
        ('{"a":' * 60_000, "deeper"),
        ('["' + "x" * 2**25, "a text of"),
        ('{"a":' + "12" * 2_500 + "}", "a number of more than 600 digits"),
    ],
)
def test_json_that_would_fill_the_memory_or_crash_the_process_is_refused_at_once(
    tmp_path: Path, stage: Stage, before: str, holds: str, complaint: str
) -> None:
    path = write(tmp_path / "p.json", before + holds)
    started = time.perf_counter()

    with pytest.raises(SourceError, match=rf"p\.json .*{complaint}.*set `format`"):
        stage(path)

    assert time.perf_counter() - started < 5  # paths of ijson to each level took a minute and 2 GB


def test_a_csv_that_looks_like_json_nested_too_deep_is_read_once_its_format_is_set(
    tmp_path: Path, stage: Stage
) -> None:
    path = write(tmp_path / "p.csv", f"{'[' * 200},{HEADER}\nx,u,p,a,t\n")

    with pytest.raises(SourceError, match=r"nested deeper .* set `format` if it is another kind of file"):
        stage(path)

    assert tracks(stage(path, format="csv")) == ["t"]


@pytest.mark.parametrize("text", ["[{" * 500, '\\"[' * 500, "\\" * 501 + "[" * 500, '"' * 7, "]" * 500])
def test_brackets_in_texts_of_json_are_no_levels(
    tmp_path: Path, stage: Stage, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setattr(BoundedJson, "read", lambda self, size=-1, read=BoundedJson.read: read(self, min(size, 7)))
    records = ",".join(ROW % json.dumps(f"{text}{number}") for number in range(3))

    assert tracks(stage(write(tmp_path / "p.json", f"[{records}]"))) == [f"{text}{number}" for number in range(3)]


def test_what_is_converted_is_read_again_as_it_was(tmp_path: Path, stage: Stage) -> None:
    path = write(
        tmp_path / "in" / "history.jsonl", '{"ts": 60, "user": "u", "artistName": "a", "trackName": "t"}\nbad\n'
    )
    target, config = tmp_path / "out.parquet", write(tmp_path / "c.yaml", "session_gap_minutes: 5\nkept_versions: 3\n")

    command = ["convert", "spotify-history", str(path.parent), str(target), "--config", str(config)]
    result = CliRunner().invoke(main, command)

    assert result.exit_code == 0, result.output
    assert "1 rows cannot be read; they are in" in result.output
    assert rows(stage(target)) == rows(stage(path, session_gap_minutes=5)) == [("u", "1970-01-01 00:01:00", "a", "t")]
