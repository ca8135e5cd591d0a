"""Playlist files to one clean table, and a number for each track."""

import os
import tempfile
from pathlib import Path

import dagster as dg

from rec_assets.core.base.errors import SourceError
from rec_assets.core.base.relations import Relation
from rec_assets.core.playlists.catalog import build_track_catalog, describe_playlists
from rec_assets.core.playlists.readers.sources import (
    PlaylistSource,
    SourceSettings,
    content_digest,
    fingerprint,
    locate_files,
    name_files,
)
from rec_assets.core.playlists.readers.staging import StagedPlaylists, stage_playlists
from rec_assets.core.playlists.readers.text_files import NOT_UTF8
from rec_assets.defs.shared.materialized import lineage_of, materialized
from rec_assets.defs.shared.room import Room
from rec_assets.paths import SYNTHETIC_SAMPLE
from rec_assets.store.asset_store import AssetStore
from rec_assets.store.duckdb import SharedDuckDB
from rec_assets.store.io_manager import retry_transient
from rec_assets.store.written import DescribedTable

FINGERPRINT_METADATA = "source_fingerprint"
REJECTS = "raw_playlists.rejects"
REFUSED_REJECTS = "raw_playlists.rejects_of_refused_source"


class RawPlaylistsConfig(dg.Config, SourceSettings):
    """What `raw_playlists` reads."""

    def playlist_source(self) -> PlaylistSource:
        """The source that is meant, by setting, environment or default."""
        location = self.source or os.environ.get("REC_ASSETS_SOURCE") or str(SYNTHETIC_SAMPLE)
        return PlaylistSource(location, self.format, self.columns)

    def is_synthetic_sample(self) -> bool:
        """Whether the shipped synthetic sample is what is read."""
        return Path(self.playlist_source().location).expanduser().resolve() == SYNTHETIC_SAMPLE


@dg.asset(kinds={"duckdb", "parquet"}, code_version="1")
def raw_playlists(
    context: dg.AssetExecutionContext, config: RawPlaylistsConfig, duckdb: SharedDuckDB, store: AssetStore
) -> dg.MaterializeResult[DescribedTable]:
    """Playlist rows as they came; rows that cannot be read or placed are kept beside them, each with its reason."""
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
    if config.is_synthetic_sample():
        context.log.warning("raw_playlists reads the shipped sample, which is synthetic: these are no real playlists.")
    if staged.reject_count:
        context.log.warning(
            f"{staged.reject_count:,} of {staged.reject_count + staged.row_count:,} rows are rejects, kept with their "
            f"reasons in {store.target(REJECTS, '.parquet')}"
        )
    metadata = {
        "rejects": staged.reject_count,
        "reject_share": staged.reject_share,
        "rejects_path": dg.MetadataValue.path(str(store.target(REJECTS, ".parquet"))),
        FINGERPRINT_METADATA: seen,
        "source_files": [str(path) for path in staged.files],
        "synthetic_sample": config.is_synthetic_sample(),
    }
    table = DescribedTable(staged.rows, describe_playlists, beside={REJECTS: staged.rejects})
    return materialized(table, lineage, metadata)


@dg.asset(kinds={"duckdb", "parquet"}, code_version="1")
def track_catalog(
    context: dg.AssetExecutionContext, store: AssetStore, raw_playlists: Relation
) -> dg.MaterializeResult[Relation]:
    """One row per distinct track, numbered from the most frequent; everything downstream holds numbers."""
    return materialized(build_track_catalog(raw_playlists), lineage_of(context, store, {}), {})


def _refusal(staged: StagedPlaylists, where: str, config: RawPlaylistsConfig) -> SourceError:
    """The error for too many rejects; ``where`` they are kept, apart from those of the stored table."""
    reasons = staged.commonest_reasons()
    listed = "; ".join(f"{lines:,} x {reason} (first: {file} line {line})" for reason, lines, file, line in reasons)
    encoding = ", that is, save it in UTF-8" if any(reason == NOT_UTF8 for reason, *_ in reasons) else ""
    expected, raise_it = f"at most {config.max_reject_share:.2%} (max_reject_share)", "; or raise max_reject_share"
    if staged.row_count == 0:
        expected, raise_it = "some that can", ""
    return SourceError(
        f"{staged.reject_count:,} of {staged.reject_count + staged.row_count:,} rows of {name_files(staged.files)} "
        f"cannot be used ({staged.reject_share:.2%}); expected {expected}. {listed}. All of them, with line number and "
        f"text, are in {where}. Correct the file{encoding}; set "
        f"`format` or `columns` if they were taken wrongly{raise_it}."
    )


INGESTION = Room("ingestion", [raw_playlists, track_catalog], {"raw_playlists": RawPlaylistsConfig})
