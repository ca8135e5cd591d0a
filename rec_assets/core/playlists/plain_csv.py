"""Well-formed CSV (RFC 4180), read by DuckDB with every line it refuses kept."""

import csv
import gzip
import shutil
from pathlib import Path

from rec_assets.core.playlists.sources import find_columns, open_text_file, read_header
from rec_assets.core.relations import Connection, sql_name, sql_text

REJECTS_TABLE = "csv_reject_errors"
_SCANS_TABLE = "csv_reject_scans"


def read_csv_sql(path: Path, columns: dict[str, str], folder: Path) -> str:
    """SQL that reads ``path`` into the columns that staging expects; refused lines go to the rejects table.

    A zip file is unpacked into ``folder`` first: DuckDB reads plain and gzip files itself.
    """
    names = next(csv.reader([read_header(path)]))
    found = find_columns(path, names, columns)
    fields = ", ".join(
        f"{sql_name(found[standard])} AS {standard}" for standard in ("user_id", "playlist", "artist", "track")
    )
    types = ", ".join(f"{sql_text(name)}: 'VARCHAR'" for name in names)
    # Every option is given: DuckDB's sniffer guesses differently from file to file.
    return f"""
        SELECT row_number() OVER () - 1 AS row_id, {fields}, {sql_text(path.name)} AS source_file,
            row_number() OVER () + 1 AS line_number, NULL::VARCHAR AS text, NULL::VARCHAR AS fault
        FROM read_csv({sql_text(str(_readable(path, folder)))}, auto_detect=false, header=true,
            columns={{{types}}}, delim=',', quote='"', escape='"', strict_mode=true, null_padding=false,
            compression='{"gzip" if path.suffix == ".gz" else "none"}',
            store_rejects=true, rejects_table='{REJECTS_TABLE}', rejects_scan='{_SCANS_TABLE}')"""


def _readable(path: Path, folder: Path) -> Path:
    if path.suffix != ".zip":
        if path.suffix == ".gz":
            with gzip.open(path) as stream:
                stream.read(1)
        return path
    unpacked = folder / f"{path.stem}.csv"
    with open_text_file(path) as stream, unpacked.open("wb") as out:
        shutil.copyfileobj(stream, out)
    return unpacked


def write_refused_lines(connection: Connection, path: Path, target: Path) -> None:
    """Write ``source_file, line_number, text, fault`` of each refused line to ``target``, and forget them.

    A quote that is never closed swallows the lines after it: such a block is one entry per line of text.
    """
    connection.execute(
        f"""COPY (
            SELECT {sql_text(path.name)} AS source_file, line::BIGINT + i - 1 AS line_number,
                lines[i] AS text, fault
            FROM (
                SELECT line, string_split(rtrim(any_value(csv_line), chr(10)), chr(10)) AS lines,
                    string_agg(DISTINCT lower(error_type), ', ') AS fault
                FROM {REJECTS_TABLE} GROUP BY line
            ), LATERAL (SELECT unnest(range(1, len(lines) + 1)) AS i)
        ) TO {sql_text(str(target))} (FORMAT parquet)"""
    )
    for table in (REJECTS_TABLE, _SCANS_TABLE):
        connection.execute(f"DROP TABLE IF EXISTS {table}")
