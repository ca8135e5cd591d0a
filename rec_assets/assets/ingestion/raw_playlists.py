"""raw_playlists: every row that can be placed in a playlist, as text, in order."""

import tempfile
from pathlib import Path

import dagster as dg

from rec_assets.assets.materialized import OWNERS, lineage_of, materialized
from rec_assets.assets.schemas import schema_metadata
from rec_assets.core.errors import SourceError
from rec_assets.core.lineage import Lineage
from rec_assets.core.playlists import StagedPlaylists, content_digest, describe_playlists, stage_playlists
from rec_assets.core.relations import Relation
from rec_assets.resources.duckdb import SharedDuckDB
from rec_assets.resources.retries import retry_transient
from rec_assets.resources.store import AssetStore
from rec_assets.settings import PlaylistsSettings

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
) -> dg.MaterializeResult[Relation]:
    """Playlist rows as they came; what cannot be read or placed lies beside them, with its reason."""
    source = config.playlist_source()
    folder = Path(tempfile.mkdtemp(prefix="staged-", dir=duckdb.scratch_folder))
    with retry_transient():
        staged = stage_playlists(duckdb.connect(), source, folder)
        content = content_digest(staged.files)
    settings = {"format": config.format.value, "columns": config.columns}
    lineage = lineage_of(context, store, settings, content=content)
    _keep_rejects(store, staged, lineage, config.max_reject_share)
    if config.is_made_sample():
        context.log.warning("raw_playlists reads the shipped sample, which is made: no real playlists.")
    metadata = {
        **describe_playlists(staged.rows),
        "rejects": staged.reject_count,
        "reject_share": staged.reject_share,
        "rejects_path": dg.MetadataValue.path(str(store.target(REJECTS, ".parquet"))),
        "source_files": [str(path) for path in staged.files],
        "made_sample": config.is_made_sample(),
    }
    return materialized(staged.rows, lineage, metadata)


def _keep_rejects(store: AssetStore, staged: StagedPlaylists, lineage: Lineage, max_share: float) -> None:
    """Store the rejects; too many of them fail the asset, and lie apart from those of the stored table."""
    refused = staged.reject_share > max_share or staged.row_count == 0
    where = store.write(REFUSED_REJECTS if refused else REJECTS, staged.rejects, lineage)["path"].value
    if refused:
        examples = "; ".join(
            f"{file} line {line}: {reason}" for file, line, _, reason in staged.rejects.limit(3).fetchall()
        )
        raise SourceError(
            f"{staged.reject_count} of {staged.reject_count + staged.row_count} rows of "
            f"{', '.join(map(str, staged.files))} cannot be used ({staged.reject_share:.2%}; max_reject_share "
            f"is {max_share:.2%}). First ones: {examples}. All of them lie in {where}. Mend the file, set "
            "`format` or `columns` if they were taken wrongly, or raise max_reject_share."
        )
