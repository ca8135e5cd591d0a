"""raw_playlists: every row that can be placed in a playlist, as text, in order."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import dagster as dg

from rec_assets.assets.materialized import OWNERS, lineage_of, materialized
from rec_assets.assets.schemas import schema_metadata
from rec_assets.core.errors import SourceError
from rec_assets.core.playlists import (
    StagedPlaylists,
    content_digest,
    describe_playlists,
    fingerprint,
    locate_files,
    name_files,
    stage_playlists,
)
from rec_assets.resources.duckdb import SharedDuckDB
from rec_assets.resources.retries import retry_transient
from rec_assets.resources.store import AssetStore
from rec_assets.resources.written import DescribedTable
from rec_assets.settings import PlaylistsSettings

FINGERPRINT_METADATA = "source_fingerprint"
REJECTS = "raw_playlists.rejects"
REFUSED_REJECTS = "raw_playlists.rejects_of_refused_source"


@dg.asset(
    group_name="ingestion",
    kinds={"duckdb", "parquet"},
    owners=OWNERS,
    code_version="1",
    metadata=schema_metadata("raw_playlists"),
)
def raw_playlists(
    context: dg.AssetExecutionContext, config: PlaylistsSettings, duckdb: SharedDuckDB, store: AssetStore
) -> Iterator[dg.MaterializeResult[DescribedTable]]:
    """Playlist rows as they came; what cannot be read or placed lies beside them, with its reason."""
    source = config.playlist_source()
    folder = Path(tempfile.mkdtemp(prefix="staged-", dir=duckdb.scratch_folder))
    with retry_transient():
        # Before they are read: what is written meanwhile is a change that the sensor must see.
        seen = fingerprint(locate_files(source.location))
        staged = stage_playlists(duckdb.connect(), source, folder)
        content = content_digest(staged.files)
        settings = {"format": config.format.value, "columns": config.columns}
        lineage = lineage_of(context, store, settings, content=content)
        if staged.reject_share > config.max_reject_share or staged.row_count == 0:
            raise _refusal(staged, store.write(REFUSED_REJECTS, staged.rejects, lineage)["path"].value, config)
    if config.is_made_sample():
        context.log.warning("raw_playlists reads the shipped sample, which is made: no real playlists.")
    if staged.reject_count:
        context.log.warning(
            f"{staged.reject_count:,} of {staged.reject_count + staged.row_count:,} rows are rejects; they lie, each "
            f"with its reason, in {store.target(REJECTS, '.parquet')}"
        )
    metadata = {
        "rejects": staged.reject_count,
        "reject_share": staged.reject_share,
        "rejects_path": dg.MetadataValue.path(str(store.target(REJECTS, ".parquet"))),
        FINGERPRINT_METADATA: seen,
        "source_files": [str(path) for path in staged.files],
        "made_sample": config.is_made_sample(),
    }
    yield materialized(DescribedTable(staged.rows, describe_playlists), lineage, metadata)
    # Only now is the table stored: had that failed, the old table would lie beside the new one's rejects.
    with retry_transient():
        store.write(REJECTS, staged.rejects, lineage)


def _refusal(staged: StagedPlaylists, where: str, config: PlaylistsSettings) -> SourceError:
    """The error for too many rejects, which lie apart from those of the stored table."""
    told = "; ".join(
        f"{lines:,} x {reason} (first: {file} line {line})" for reason, lines, file, line in staged.commonest_reasons()
    )
    expected, raise_it = f"at most {config.max_reject_share:.2%} (max_reject_share)", "; or raise max_reject_share"
    if staged.row_count == 0:
        expected, raise_it = "some that can", ""
    return SourceError(
        f"{staged.reject_count:,} of {staged.reject_count + staged.row_count:,} rows of {name_files(staged.files)} "
        f"cannot be used ({staged.reject_share:.2%}); expected {expected}. {told}. All of them, with line number and "
        f"text, lie in {where}. Mend the file{', that is, save it in UTF-8' if 'not UTF-8' in told else ''}; set "
        f"`format` or `columns` if they were taken wrongly{raise_it}."
    )
