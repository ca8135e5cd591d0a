"""What the UI shows of a written file; without this names and numbers could appear there changed."""

from pathlib import Path

import duckdb

from rec_assets.store.written import PREVIEW_ROWS, describe_file


def describe(connection: duckdb.DuckDBPyConnection, folder: Path, query: str) -> tuple[int, list[str]]:
    """Row count, and the lines of the preview, of a table."""
    path = folder / "table.parquet"
    connection.sql(query).write_parquet(str(path))
    description = describe_file(path, connection)
    assert description["size_bytes"] == path.stat().st_size
    return description["dagster/row_count"], description["preview"].value.splitlines()


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("| ").split(" | ")]


def test_a_table_shows_its_row_count_and_its_first_rows(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    count, lines = describe(connection, tmp_path, "SELECT range AS row_id FROM range(1000)")

    assert count == 1000
    assert [cells(line) for line in lines[2:]] == [[str(row)] for row in range(PREVIEW_ROWS)]


def test_the_preview_shows_values_as_they_are(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    row = "'1e5' AS track, '007' AS artist, NULL AS playlist, 'a|b' || chr(10) || '*c* <3 ö' AS user_id"
    _, lines = describe(connection, tmp_path, f"SELECT {row}, [1, 2]::INTEGER[] AS track_indexes")

    assert lines[0].count("|") == 1 + 5
    assert cells(lines[2]) == ["1e5", "007", "", r"a\|b \*c\* \<3 ö", r"\[1, 2\]"]


def test_a_long_value_is_cut_with_an_ellipsis(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    _, lines = describe(connection, tmp_path, "SELECT repeat('x', 500) AS track")

    assert cells(lines[2]) == ["x" * 79 + "…"]


def test_of_many_columns_a_few_rows_are_shown_side_by_side_with_rounded_figures(connection, tmp_path: Path) -> None:
    columns = [f"0.6950617283950618::DOUBLE + range AS c{place}" for place in range(20)]
    _, lines = describe(connection, tmp_path, f"SELECT {', '.join(columns)} FROM range(9)")

    assert [cells(line) for line in lines[2:4]] == [
        ["c0", "0.6951", "1.695", "2.695"],
        ["c1", "0.6951", "1.695", "2.695"],
    ]
    assert len(lines) == 2 + 20


def test_an_empty_table_shows_its_columns(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    count, lines = describe(connection, tmp_path, "SELECT 1 AS row_id WHERE false")

    assert (count, cells(lines[0])) == (0, ["row_id"])
