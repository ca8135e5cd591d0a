"""Without these, rows of people's own files could be lost, shifted or cut, without a word."""

import csv
import gzip
import io
import unicodedata
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rec_assets.core.base.errors import SettingsError, SourceError, StoreError
from rec_assets.core.playlists.catalog import build_track_catalog, describe_playlists, describe_tracks
from rec_assets.core.playlists.readers import delimited, lines, unescaped_csv
from rec_assets.core.playlists.readers.files import SourceFile, locate, open_archives
from rec_assets.core.playlists.readers.kinds import read_head
from rec_assets.core.playlists.readers.rows import _SPACES, cleaned_sql, lacking_sql
from rec_assets.core.playlists.readers.settings import SourceFormat, SourceSettings
from rec_assets.core.playlists.readers.staging import StagedPlaylists, _explained, stage_playlists

DIALECT = '"user_id", "artistname", "trackname", "playlistname"'
PLAIN = "user_id,artist,track,playlist"
GOOD = "u,a,t,p"

Fields = tuple[str, ...]
Stage = Callable[..., StagedPlaylists]


@pytest.fixture
def stage(tmp_path: Path, connection: duckdb.DuckDBPyConnection) -> Stage:
    scratch = tmp_path / "scratch"
    scratch.mkdir()

    def read(location: Path | str, **settings: object) -> StagedPlaylists:
        files, _ = open_archives(locate(str(location)))
        return stage_playlists(connection, files, SourceSettings(**settings), scratch)

    return read


def fields(staged: StagedPlaylists) -> list[tuple]:
    """(user, artist, track, playlist) of every row, in the order of row_id."""
    return staged.rows.order("row_id").select("user_id, artist, track, playlist").fetchall()


def row_ids(staged: StagedPlaylists) -> list[int]:
    return [row_id for (row_id,) in staged.rows.order("row_id").select("row_id").fetchall()]


def rejects(staged: StagedPlaylists) -> list[tuple]:
    """(file, line number, text, reason)"""
    return staged.rejects.fetchall()


def dialect(*lines: str, end: str = "\n") -> bytes:
    return end.join([DIALECT, *lines, ""]).encode()


def plain(*lines: str, end: str = "\n") -> bytes:
    return end.join([PLAIN, *lines, ""]).encode()


@pytest.fixture
def read(tmp_path: Path, stage: Stage) -> Callable[[bytes], StagedPlaylists]:
    def from_bytes(content: bytes) -> StagedPlaylists:
        path = tmp_path / "playlists.csv"
        path.write_bytes(content)
        return stage(path)

    return from_bytes


Read = Callable[[bytes], StagedPlaylists]


# The dialect of the public file


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('"u","Osmani Garcia "La Voz"","El Taxi","Ecuador"', ("u", 'Osmani Garcia "La Voz"', "El Taxi", "Ecuador")),
        ('"u","a","A Little More "Touch Me"",""/"', ("u", "a", 'A Little More "Touch Me"', '"/')),
        ('"u",""","t","p"', ("u", '"', "t", "p")),
        (r'"u","AC\"DC","t \"live\"","p"', ("u", 'AC"DC', 't "live"', "p")),
        (r'"u","a\","t\n","C:\new"', ("u", "a\\", r"t\n", r"C:\new")),
        (
            '"u","Earth, Wind & Fire","September, in Rain",",p,"',
            ("u", "Earth, Wind & Fire", "September, in Rain", ",p,"),
        ),
        ('"u","","t","p"', ("u", None, "t", "p")),
        ('"u","a","","p"', ("u", "a", None, "p")),
        ('" u "," a\t","\u00a0t\u200b","p \x00"', ("u", "a", "t", "p")),
        ('"u"," \u200b\ufeff","t","p"', ("u", None, "t", "p")),
        ('"ü","Bjo\u0308rk","東京 🎵 e\u0301","a\u2028\x0b\x85\x00b"', ("ü", "Björk", "東京 🎵 é", "a\u2028\x0b\x85b")),
        ('"NULL","null","NaN","0"', ("NULL", "null", "NaN", "0")),
    ],
)
def test_a_line_of_the_dialect_is_cut_where_its_fields_end_and_nowhere_else(
    read: Read, line: str, expected: Fields
) -> None:
    staged = read(dialect(line))

    assert fields(staged) == [expected]
    assert (staged.row_count, staged.reject_count, staged.reject_share) == (1, 0, 0)


def test_a_name_lacks_where_nothing_is_left_of_it(connection: duckdb.DuckDBPyConnection) -> None:
    characters = ["", *map(chr, range(0xD800)), *map(chr, range(0xE000, 0x10000)), "\U00010000", "\U0010ffff"]
    texts = connection.from_arrow(
        pa.table({"text": [None, *(c + more for c in characters for more in ("", " \ufeff"))]})
    )

    wrong = texts.filter(f"({lacking_sql('text')}) IS DISTINCT FROM (({cleaned_sql('text')}) IS NULL)")
    assert wrong.fetchall() == []
    assert len(texts.filter(lacking_sql("text"))) == 1 + 2 * (1 + len(_SPACES))


@pytest.mark.parametrize(
    "content",
    [
        dialect('"u","a","t","p"', '"u","b","s","p"'),
        dialect('"u","a","t","p"', '"u","b","s","p"', end="\r\n"),
        b"\xef\xbb\xbf" + dialect('"u","a","t","p"', '"u","b","s","p"'),
        dialect('"u","a","t","p"', '"u","b","s","p"').removesuffix(b"\n"),
        dialect('"u","a","t","p"', '"u","b","s","p"') + b"\n\r\n\n",
        dialect('"u","a","t","p"\r\n"u","b","s","p"'),
    ],
    ids=["LF", "CRLF", "byte order mark", "no newline at the end", "blank lines at the end", "mixed line ends"],
)
def test_line_ends_and_byte_order_marks_are_no_part_of_the_dialects_fields(read: Read, content: bytes) -> None:
    staged = read(content)

    assert fields(staged) == [("u", "a", "t", "p"), ("u", "b", "s", "p")]
    assert row_ids(staged) == [0, 1]
    assert rejects(staged) == []


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (['"u","bro', 'ken","t","p"'], [(3, '"u","bro', 2), (4, 'ken","t","p"', 2)]),
        (['"u","a","t"'], [(3, '"u","a","t"', "3 fields instead of 4")]),
        (['"u","a","b","c","d"'], [(3, '"u","a","b","c","d"', "5 fields instead of 4")]),
        ([""], [(3, "", "blank line")]),
        (['"u","a","t","p'], [(3, '"u","a","t","p', "does not begin and end with a quote")]),
        (["u,a,t,p"], [(3, "u,a,t,p", "does not begin and end with a quote")]),
        (['"'], [(3, '"', "does not begin and end with a quote")]),
        (['"","a","t","p"'], [(3, '"","a","t","p"', "no user")]),
        (['"u","a","t",""'], [(3, '"u","a","t",""', "no playlist")]),
        (['"u","","","p"'], [(3, '"u","","","p"', "neither artist nor track")]),
    ],
)
def test_a_line_that_cannot_be_placed_is_kept_with_its_number_text_and_reason(
    read: Read, lines: list[str], expected: list[tuple]
) -> None:
    staged = read(dialect('"u","first","t","p"', *lines, '"u","last","t","p"'))

    expected = [
        (number, text, reason if isinstance(reason, str) else "does not begin and end with a quote")
        for number, text, reason in expected
    ]
    assert rejects(staged) == [("playlists.csv", *reject) for reject in expected]
    assert [artist for _, artist, _, _ in fields(staged)] == ["first", "last"]
    assert (staged.row_count, staged.reject_count) == (2, len(lines))
    assert staged.reject_share == len(lines) / (2 + len(lines))


def test_bytes_that_are_not_utf8_cost_their_own_line_only(read: Read) -> None:
    staged = read(dialect('"u","a","t","p"', '"u","BAD","t","p"', '"u","Björk","t","p"').replace(b"BAD", b"Caf\xe9"))

    assert [artist for _, artist, _, _ in fields(staged)] == ["a", "Björk"]
    assert rejects(staged) == [("playlists.csv", 3, r'"u","Caf\xe9","t","p"', "not UTF-8")]


@pytest.mark.parametrize("block_bytes", [1, 7, 64])
def test_blocks_end_anywhere_and_no_line_is_lost_or_cut(
    monkeypatch: pytest.MonkeyPatch, read: Read, block_bytes: int
) -> None:
    monkeypatch.setattr(unescaped_csv, "BLOCK_BYTES", block_bytes)
    lines = [f'"u{n}","Ärtist {n}","t","p"' for n in range(20)]
    lines[7], lines[13] = '"broken"', ""

    staged = read(dialect(*lines, end="\r\n") + b"\r\n" * 70)

    assert [user for user, _, _, _ in fields(staged)] == [f"u{n}" for n in range(20) if n not in (7, 13)]
    assert [(line, reason) for _, line, _, reason in rejects(staged)] == [
        (9, "1 fields instead of 4"),
        (15, "blank line"),
    ]


def test_a_line_without_an_end_is_refused_before_it_fills_the_memory(
    monkeypatch: pytest.MonkeyPatch, read: Read
) -> None:
    monkeypatch.setattr(unescaped_csv, "BLOCK_BYTES", 100)
    monkeypatch.setattr(lines, "LONGEST_LINE_BYTES", 1_000)

    with pytest.raises(SourceError, match=r"playlists\.csv has a line of more than 1,000 bytes; expected one row"):
        read(dialect("x" * 5_000))


# Any text but what the dialect cannot hold: line breaks, and a quote after a backslash, which is an escape. It begins
# and ends with a character that is no space; assigned characters alone have one normal form in all versions of Unicode.
def filled(excluded: str) -> st.SearchStrategy[str]:
    characters = st.characters(codec="utf-8", exclude_characters=excluded + "\0", exclude_categories=["Cn", "Cs", "Co"])
    ends = st.characters(codec="utf-8", categories=["L", "N", "P", "S"])
    return st.one_of(ends, st.builds("{}{}{}".format, ends, st.text(characters, max_size=10), ends))


filled_text = filled("\n\r").map(lambda text: text.replace('\\"', "_"))
field_text = st.one_of(st.just(""), filled_text)
any_rows = st.lists(st.tuples(filled_text, filled_text, field_text, filled_text), min_size=1, max_size=30)


@pytest.fixture(scope="module")
def shared_connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """Many examples on one connection: to open one takes longer than to read."""
    with duckdb.connect() as connection:
        yield connection


def assert_unchanged(connection: duckdb.DuckDBPyConnection, content: bytes, rows: list[Fields]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "playlists.csv")
        path.write_bytes(content)

        staged = stage_playlists(connection, [SourceFile(path)], SourceSettings(), Path(folder))

        assert fields(staged) == [tuple(unicodedata.normalize("NFC", field) or None for field in row) for row in rows]
        assert staged.reject_count == 0


@settings(deadline=None, max_examples=30)
@given(rows=any_rows, block_bytes=st.integers(1, 300))
def test_whatever_fields_the_dialect_can_tell_apart_come_back_unchanged(
    shared_connection: duckdb.DuckDBPyConnection, rows: list[Fields], block_bytes: int
) -> None:
    assume(all('","'.join(row).split('","') == list(row) for row in rows))
    with patch.object(unescaped_csv, "BLOCK_BYTES", block_bytes):
        content = dialect(*('"' + '","'.join(row) + '"' for row in rows))
        assert_unchanged(shared_connection, content, rows)


# CSV as RFC 4180 has it


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ('u,"The ""Best"" of",t,p', ("u", 'The "Best" of', "t", "p")),
        ('u,"Earth, Wind",t,"a, b"', ("u", "Earth, Wind", "t", "a, b")),
        ('u,"two\nlines",t,"p\r\nq"', ("u", "two\nlines", "t", "p\r\nq")),
        ("u,,t,p", ("u", None, "t", "p")),
        ('u,a,"",p', ("u", "a", None, "p")),
        ('"u","a","t","p"', ("u", "a", "t", "p")),
        (r"u,a\b,NULL,007", ("u", r"a\b", "NULL", "007")),
        ('u,12" Mix,t,p', ("u", '12" Mix', "t", "p")),
    ],
)
def test_a_csv_record_is_read_as_rfc_4180_says(read: Read, record: str, expected: Fields) -> None:
    staged = read(plain(GOOD, record, GOOD))

    assert fields(staged) == [("u", "a", "t", "p"), expected, ("u", "a", "t", "p")]
    assert staged.reject_count == 0


def test_csv_may_have_carriage_returns_a_byte_order_mark_and_blank_lines_at_its_end(read: Read) -> None:
    staged = read(b"\xef\xbb\xbf" + plain(GOOD, "v,a,t,p", end="\r\n") + b"\r\n\n")

    assert [user for user, *_ in fields(staged)] == ["u", "v"]
    assert staged.reject_count == 0


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["u,a,t"], [(3, "u,a,t", "3 fields instead of 4")]),
        (["u,a,t,p,x"], [(3, "u,a,t,p,x", "5 fields instead of 4")]),
        (['u,"two', 'lines",t'], [(3, 'u,"two', "3 fields instead of 4"), (4, 'lines",t', "3 fields instead of 4")]),
        (["", ""], [(3, "", "blank line"), (4, "", "blank line")]),
        ([",a,t,p"], [(3, ",a,t,p", "no user")]),
        (["u,a,t,"], [(3, "u,a,t,", "no playlist")]),
        (["u,,,p"], [(3, "u,,,p", "neither artist nor track")]),
        (['u,"half,t,p'], [(3, 'u,"half,t,p', "a quote is never closed")]),
        (["u,ol\rd,t,p"], [(3, "u,ol\rd,t,p", "a carriage return outside quotes")]),
    ],
)
def test_a_bad_csv_line_is_kept_and_costs_no_other(read: Read, lines: list[str], expected: list[tuple]) -> None:
    staged = read(plain("u,first,t,p", *lines, "u,last,t,p"))

    assert rejects(staged) == [("playlists.csv", *reject) for reject in expected]
    assert [artist for _, artist, _, _ in fields(staged)] == ["first", "last"]


def test_blank_lines_between_rows_make_no_batches_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "playlists.csv"
    path.write_bytes(plain(*["u,a,t,p", ""] * 500))
    file = SourceFile(path)
    layout = delimited.inspect(file, read_head(file), SourceSettings())

    found = list(delimited.batches(file, layout))

    assert sum(len(batch) for batch in found) == 999  # the last blank line ends the file
    assert len([batch for batch in found if len(batch)]) == 1  # DuckDB took 4 ms for each


def test_line_numbers_of_csv_rejects_count_breaks_inside_fields_and_other_rejects(read: Read) -> None:
    staged = read(plain('u,"two\nlines",t,p', "", "u,a", 'u,"half,t,p', 'u,"a, b",t,p', ",a,t,p"))

    assert [(line, reason) for _, line, _, reason in rejects(staged)] == [
        (4, "blank line"),
        (5, "2 fields instead of 4"),
        (6, "a quote inside a field, or one that is never closed"),
        (8, "no user"),
    ]
    assert row_ids(staged) == [0, 5]


def test_csv_bytes_that_are_not_utf8_cost_their_own_line_only(read: Read) -> None:
    staged = read(plain("u,Björk,t,p", "u,BAD,t,p", GOOD).replace(b"BAD", b"Caf\xe9"))

    assert [artist for _, artist, _, _ in fields(staged)] == ["Björk", "a"]
    assert rejects(staged) == [("playlists.csv", 3, r"u,Caf\xe9,t,p", "not UTF-8")]


csv_text = filled("\r")


@settings(deadline=None, max_examples=30)
@given(
    rows=st.lists(st.tuples(csv_text, csv_text, st.one_of(st.just(""), csv_text), csv_text), min_size=1),
    chunk=st.integers(1, 60),
)
def test_what_a_csv_writer_writes_comes_back_unchanged(
    shared_connection: duckdb.DuckDBPyConnection, rows: list[Fields], chunk: int
) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([PLAIN.split(","), *rows])
    with patch.object(lines, "BLOCK_BYTES", chunk):
        assert_unchanged(shared_connection, text.getvalue().encode(), rows)


@pytest.mark.parametrize("content", [dialect('"u","a","t","p"'), plain(GOOD)], ids=["dialect", "csv"])
@pytest.mark.parametrize("packing", ["gz", "zip"])
def test_packed_files_are_read_as_they_are(tmp_path: Path, stage: Stage, content: bytes, packing: str) -> None:
    path = tmp_path / f"playlists.csv.{packing}"
    if packing == "gz":
        path.write_bytes(gzip.compress(b"\xef\xbb\xbf" + content))
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("inside/playlists.csv", b"\xef\xbb\xbf" + content)
            archive.writestr("__MACOSX/inside/._playlists.csv", b"\0")
            archive.writestr("readme.txt", b"not data")

    assert fields(stage(path)) == [("u", "a", "t", "p")]


@pytest.mark.parametrize("make", [dialect, plain], ids=["dialect", "csv"])
def test_a_gzip_file_cut_off_in_the_middle_is_named_and_no_stack_is_shown(
    tmp_path: Path, stage: Stage, make: Callable[..., bytes]
) -> None:
    path = tmp_path / "cut.csv.gz"
    quote = '"' if make is dialect else ""
    lines = [f"{quote}u{n}{quote},{quote}a{quote},{quote}t{quote},{quote}p{quote}" for n in range(2_000)]
    path.write_bytes(gzip.compress(make(*lines))[:-300])

    with pytest.raises(SourceError) as caught:
        stage(path)

    assert str(caught.value).startswith(f"{path} cannot be unpacked: Compressed file ended before")
    assert str(caught.value).endswith("Download or compress it again.")
    assert "Traceback" not in str(caught.value)


# Columns, in any format


def test_columns_in_another_order_and_by_other_names_are_mapped(tmp_path: Path, stage: Stage) -> None:
    path = tmp_path / "mapped.csv"
    path.write_text("genre,list,singer,song,listener\nrock,p,a,t,u\n")

    staged = stage(path, columns={"user_id": "listener", "playlist": "list", "artist": "singer", "track": "song"})

    assert fields(staged) == [("u", "a", "t", "p")]


def test_columns_of_the_dialect_are_mapped_too(tmp_path: Path, stage: Stage) -> None:
    path = tmp_path / "mapped.csv"
    path.write_text('"list", "singer", "song", "user_id"\n"p","a","t","u"\n')

    assert fields(stage(path, columns={"playlist": "list", "artist": "singer", "track": "song"})) == [
        ("u", "a", "t", "p")
    ]


def test_the_dialect_may_have_a_header_without_spaces_if_it_is_said(tmp_path: Path, stage: Stage) -> None:
    path = tmp_path / "tight.csv"
    path.write_text('"user_id","artist","track","playlist"\n"u","The "Best"","t","p"\n')

    assert fields(stage(path, format=SourceFormat.unescaped_csv)) == [("u", 'The "Best"', "t", "p")]


def test_a_column_named_twice_is_not_guessed_at(tmp_path: Path, stage: Stage) -> None:
    path = tmp_path / "twice.csv"
    path.write_text("user_id,artist,track,playlist,artist\nu,a,t,p,b\n")

    with pytest.raises(SourceError, match=r"twice\.csv has more than one column 'artist'\. Rename or remove"):
        stage(path)


def test_a_column_that_is_none_of_ours_is_refused_by_the_settings() -> None:
    with pytest.raises(SettingsError, match="Setting `columns` names mood; expected row_id, user_id, playlist, artist"):
        SourceSettings(columns={"mood": "m", "artist": "singer"})


# Parquet


def write_parquet(connection: duckdb.DuckDBPyConnection, path: Path, select: str) -> Path:
    connection.execute(f"COPY ({select}) TO '{path}' (FORMAT parquet)")
    return path


def test_parquet_without_row_ids_keeps_the_order_of_its_rows(
    tmp_path: Path, stage: Stage, connection: duckdb.DuckDBPyConnection
) -> None:
    path = write_parquet(
        connection,
        tmp_path / "plain.parquet",
        "SELECT 'u' AS user_id, 'p' AS playlistname, 'a' AS artistname, 't' || (i * 7919 % 5000) AS trackname"
        " FROM range(5000) rows(i) ORDER BY i",
    )

    staged = stage(path)

    assert [track for _, _, track, _ in fields(staged)] == [f"t{i * 7919 % 5000}" for i in range(5_000)]
    assert row_ids(staged) == list(range(5_000))


def test_parquet_with_row_ids_is_ordered_by_them_however_it_was_shuffled(
    tmp_path: Path, stage: Stage, connection: duckdb.DuckDBPyConnection
) -> None:
    path = write_parquet(
        connection,
        tmp_path / "shuffled.parquet",
        "SELECT i * 10 AS row_id, 'u' AS user_id, 'p' AS playlist, NULL::VARCHAR AS artist, 't' || i AS track"
        " FROM range(500) rows(i) ORDER BY hash(i)",
    )

    staged = stage(path)

    assert [track for _, _, track, _ in fields(staged)] == [f"t{i}" for i in range(500)]
    assert row_ids(staged) == [i * 10 for i in range(500)]


def test_parquet_takes_mapped_columns_and_whole_numbers_as_ids(
    tmp_path: Path, stage: Stage, connection: duckdb.DuckDBPyConnection
) -> None:
    path = write_parquet(
        connection,
        tmp_path / "mapped.parquet",
        "SELECT 7::UINTEGER AS listener, 12::BIGINT AS \"the list\", 'a' AS artist, '' AS track, 5::SMALLINT AS n",
    )

    staged = stage(path, columns={"user_id": "listener", "playlist": "the list", "row_id": "n"})

    assert fields(staged) == [("7", "a", None, "12")]
    assert row_ids(staged) == [5]


def test_parquet_rows_that_cannot_be_placed_are_rejects(
    tmp_path: Path, stage: Stage, connection: duckdb.DuckDBPyConnection
) -> None:
    path = write_parquet(
        connection,
        tmp_path / "holes.parquet",
        """SELECT * FROM (VALUES (1, 'u', 'p', 'a', 't'), (2, NULL, 'p', 'a', 't'), (3, 'u', '', 'a', 't'),
           (4, 'u', 'p', NULL, ''), (NULL, 'u', 'p', 'a', 't')) rows(row_id, user_id, playlist, artist, track)""",
    )

    staged = stage(path)

    assert rejects(staged) == [
        ("holes.parquet", 2, "p | a | t", "no user"),
        ("holes.parquet", 3, "u | a | t", "no playlist"),
        ("holes.parquet", 4, "u | p", "neither artist nor track"),
        ("holes.parquet", 5, "u | p | a | t", "no whole number as row_id"),
    ]
    assert (staged.row_count, staged.reject_count, staged.reject_share) == (1, 4, 0.8)


NOT_WHOLE = r"bad\.parquet is not a whole parquet file: .*Write or download it again"


@pytest.mark.parametrize("column", ["row_id", "user_id", "playlist", "artist", "track"])
def test_damage_in_any_column_of_a_parquet_file_is_found_while_reading(
    tmp_path: Path, stage: Stage, connection: duckdb.DuckDBPyConnection, column: str
) -> None:
    names = ("user_id", "playlist", "artist", "track")
    texts = ", ".join(f"md5(concat('{name}', i)) AS {name}" for name in names)
    path = write_parquet(
        connection, tmp_path / "bad.parquet", f"SELECT hash(i) // 2 AS row_id, {texts} FROM range(999) _(i)"
    )
    chunks = pq.read_metadata(path).row_group(0)
    chunk = next(c for c in map(chunks.column, range(chunks.num_columns)) if c.path_in_schema == column)
    with path.open("r+b") as file:
        file.seek(chunk.dictionary_page_offset or chunk.data_page_offset)
        file.write(b"\xff" * 60)

    with pytest.raises(SourceError, match=NOT_WHOLE):
        stage(path)


def test_a_parquet_file_that_ends_before_its_pages_do_is_not_whole(tmp_path: Path) -> None:
    said = 'IO Error: Could not read enough bytes from file "bad.parquet": attempted to read 7 bytes from location 921'

    with pytest.raises(SourceError, match=NOT_WHOLE), _explained([SourceFile(Path("bad.parquet"))], tmp_path):
        raise duckdb.IOException(said)


# Several files


@pytest.mark.parametrize("order", ["row_id", "hash(track)"])
def test_a_row_id_that_occurs_twice_is_refused_with_its_value(connection, stage, tmp_path: Path, order: str) -> None:
    path = tmp_path / "twice.parquet"
    connection.sql(
        "SELECT (CASE WHEN i = 7 THEN 6 ELSE i END)::UINTEGER AS row_id, 'u' AS user_id, 'p' AS playlist,"
        f" 'a' AS artist, 't' || i AS track FROM range(20) _(i) ORDER BY {order}"
    ).to_parquet(str(path))

    with pytest.raises(SourceError, match=r"twice\.parquet: `row_id` is 6 in 2 rows"):
        stage(path)


@pytest.mark.parametrize(
    ("header", "quote", "comma"),
    [
        ('"pos", "user_id", "artistname", "trackname", "playlistname"', '"', '","'),
        ("pos,user_id,artist,track,playlist", "", ","),
    ],
)
def test_csv_with_a_row_id_column_is_ordered_by_it(
    stage: Stage, tmp_path: Path, header: str, quote: str, comma: str
) -> None:
    path = tmp_path / "ordered.csv"
    rows = [("30", "third"), ("10", "first"), ("x", "lost"), ("20", "second")]
    lines = [quote + comma.join((number, "u", "a", track, "p")) + quote for number, track in rows]
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")

    staged = stage(path, columns={"row_id": "pos"})

    assert [track for _, _, track, _ in fields(staged)] == ["first", "second", "third"]
    assert row_ids(staged) == [10, 20, 30]
    assert [(line, reason) for _, line, _, reason in staged.rejects.fetchall()] == [(4, "no whole number as row_id")]


def _write_shard(connection: duckdb.DuckDBPyConnection, path: Path, numbers: list[int]) -> None:
    values = ", ".join(f"({number}, 'u', 'p', 'a', 't{number}')" for number in numbers)
    connection.sql(f"SELECT * FROM (VALUES {values}) r(row_id, user_id, playlist, artist, track)").to_parquet(str(path))


def test_row_ids_that_are_unique_over_several_files_are_one_order(connection, stage: Stage, tmp_path: Path) -> None:
    _write_shard(connection, tmp_path / "a.parquet", [1, 5, 3])
    _write_shard(connection, tmp_path / "b.parquet", [0, 4, 2])

    staged = stage(tmp_path)

    assert row_ids(staged) == [0, 1, 2, 3, 4, 5]
    assert [track for _, _, track, _ in fields(staged)] == ["t0", "t1", "t2", "t3", "t4", "t5"]


def test_row_ids_that_begin_again_in_each_file_follow_one_another(connection, stage: Stage, tmp_path: Path) -> None:
    _write_shard(connection, tmp_path / "a.parquet", [-10, -1])
    _write_shard(connection, tmp_path / "b.parquet", [-1, -10])

    staged = stage(tmp_path, max_repeated_share=1.0)

    assert row_ids(staged) == [0, 9, 10, 19]
    assert [track for _, _, track, _ in fields(staged)] == ["t-10", "t-1", "t-10", "t-1"]


def test_a_folder_of_mixed_files_is_read_in_sorted_order_with_growing_row_ids(
    tmp_path: Path, stage: Stage, connection: duckdb.DuckDBPyConnection
) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    (folder / "4.csv.gz").write_bytes(gzip.compress(plain("u,a,four,p")))
    (folder / "2.csv").write_bytes(dialect('"u","a","two","p"', '"broken"'))
    (folder / "3.CSV").write_bytes(plain("u,a,three,p", "u,a", "u,a,three more,p"))
    rows = "SELECT 40 AS row_id, 'u' AS user_id, 'p' AS playlist, 'a' AS artist, 'one' AS track"
    write_parquet(connection, folder / "1.parquet", rows)
    (folder / ".hidden.csv").write_bytes(b"\0")
    (folder / "notes.txt").write_text("no data")
    (folder / "deeper").mkdir()

    staged = stage(folder)

    assert [path.name for path in staged.files] == ["1.parquet", "2.csv", "3.CSV", "4.csv.gz"]
    assert [track for _, _, track, _ in fields(staged)] == ["one", "two", "three", "three more", "four"]
    assert len(set(row_ids(staged))) == 5
    assert [(file, line) for file, line, _, _ in rejects(staged)] == [("2.csv", 3), ("3.CSV", 3)]


def test_a_pattern_reads_the_files_that_match_it_in_sorted_order(tmp_path: Path, stage: Stage) -> None:
    for name in ("b/1.csv", "a/2.csv", "a/1.csv", "a/other.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(plain(f"u,a,{name},p"))

    staged = stage(tmp_path / "*" / "[12].csv")

    assert [track for _, _, track, _ in fields(staged)] == ["a/1.csv", "a/2.csv", "b/1.csv"]


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(
    tmp_path: Path, stage: Stage, connection: duckdb.DuckDBPyConnection
) -> None:
    rows = "SELECT 'u' AS user_id, 'p' AS playlist, 'a' AS artist, '{}' AS track"
    path = write_parquet(connection, tmp_path / "list[1]*.parquet", rows.format("meant"))
    write_parquet(connection, tmp_path / "list1.parquet", rows.format("other"))

    assert fields(stage(path)) == [("u", "a", "meant", "p")]


def test_many_files_are_not_all_named_in_an_error(tmp_path: Path, stage: Stage) -> None:
    for number in range(9):
        (tmp_path / f"{number}.csv").write_bytes(plain())

    with pytest.raises(SourceError, match=r"0\.csv, .*1\.csv, .*2\.csv and 6 more: no row after the header"):
        stage(tmp_path)


def test_a_full_disk_for_temporary_files_is_named_as_such(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, stage: Stage
) -> None:
    path = tmp_path / "playlists.csv"
    path.write_bytes(plain(GOOD))
    (tmp_path / "scratch" / "staged-00000.parquet").symlink_to("/dev/full")

    with pytest.raises(StoreError, match=r"no space left in .*scratch for temporary files\. .* TMPDIR"):
        stage(path)


# The real files


def test_the_public_files_first_rows_are_all_there(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, stage: Stage, nowplaying: Path
) -> None:
    staged = stage(nowplaying)

    counts = describe_playlists(staged.rows)
    assert (counts["rows"], counts["playlists"], counts["users"]) == (10_000, 40, 6)
    catalog = build_track_catalog(connection, staged.rows, tmp_path)
    assert describe_tracks(catalog) == {"artists": 2_941, "rows_without_artist": 8, "rows_without_track": 0}
    assert len(catalog) == 8_640
    assert staged.reject_count == 0
    taxi = staged.rows.filter("""artist = 'Osmani Garcia "La Voz"'""").order("row_id").select("track, playlist")
    assert taxi.fetchall() == [("El Taxi", "Ecuador"), ("El Taxi", "Everything at once")]
    assert {row[0] for row in staged.rows.select("playlist").fetchall()} >= {'"/'}


def test_the_radio_playlists_are_all_there(stage: Stage, radio: Path) -> None:
    staged = stage(radio)

    counts = describe_playlists(staged.rows)
    assert (counts["rows"], counts["playlists"]) == (190_649, 18_139)
    assert staged.reject_count == 0
