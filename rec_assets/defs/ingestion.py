"""Playlist files to one clean table, and a number for each track."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import dagster as dg

from rec_assets.core.base.errors import SourceError
from rec_assets.core.base.relations import Relation
from rec_assets.core.playlists.catalog import build_track_catalog, describe_playlists, describe_tracks
from rec_assets.core.playlists.readers.files import content_digest, locate, name_files, open_archives
from rec_assets.core.playlists.readers.refusal import is_refused, refusal, rejects_note
from rec_assets.core.playlists.readers.settings import SourceSettings
from rec_assets.core.playlists.readers.staging import StagedPlaylists, stage_playlists
from rec_assets.defs.shared.explained import StepConfig
from rec_assets.defs.shared.materialized import (
    FILES_METADATA,
    SYNTHETIC_METADATA,
    last_metadata,
    lineage_of,
    materialized,
)
from rec_assets.defs.shared.progress import log_queries
from rec_assets.defs.shared.room import Room
from rec_assets.paths import SYNTHETIC_SAMPLE
from rec_assets.store.asset_store import AssetStore
from rec_assets.store.duckdb import SharedDuckDB
from rec_assets.store.io_manager import retry_transient, running_sql
from rec_assets.store.source import find_source
from rec_assets.store.written import DescribedTable

FINGERPRINT_METADATA = "source_fingerprint"
REJECTS = "raw_playlists.rejects"
# Where the rows come from, and how many may be bad, does not change what they say.
_NOT_OF_THE_DATA = ("source", "max_reject_share", "max_repeated_share")
REFUSED_REJECTS = "raw_playlists.rejects_of_refused_source"


class RawPlaylistsConfig(StepConfig, SourceSettings):
    """What `raw_playlists` reads."""

    def location(self) -> str:
        """The source that is meant, by setting, environment or default."""
        return self.chosen() or str(SYNTHETIC_SAMPLE)

    def chosen(self) -> str:
        """The source that a setting or the environment names; empty = none does."""
        return self.source or os.environ.get("REC_ASSETS_SOURCE", "")

    def refuse_sample_over_others(self, instance: dg.DagsterInstance, base: str) -> None:
        """Raises SourceError: no source is named, and ``instance``, the history of the store ``base``, says that it was
        last made from other playlists than the sample."""
        known = {} if self.chosen() else last_metadata(instance, "raw_playlists")
        if SYNTHETIC_METADATA in known and not known[SYNTHETIC_METADATA].value:
            files: Any = known[FILES_METADATA].value
            raise SourceError(
                f"No source is set, and {base} was made from {name_files(files)}, whose place the sample would take. "
                f"Set REC_ASSETS_SOURCE or `source` to your playlists, or, if it is meant, to {SYNTHETIC_SAMPLE}."
            )


@dg.asset(kinds={"duckdb", "parquet"}, code_version="2")
def raw_playlists(
    context: dg.AssetExecutionContext, config: RawPlaylistsConfig, duckdb: SharedDuckDB, store: AssetStore
) -> dg.MaterializeResult[DescribedTable]:
    """The rows of the playlist files. Rows that cannot be used are kept in a file of their own, with the reason."""
    config.refuse_sample_over_others(context.instance, store.base)
    folder = Path(tempfile.mkdtemp(prefix="staged-", dir=duckdb.scratch_folder))
    with retry_transient():
        # Before they are read: what is written meanwhile is a change that the sensor must see.
        source = find_source(config.location())
        files, left_out = open_archives(source.fetch(folder))
        content = content_digest(files)
        with log_queries(context, duckdb.connect(), "the playlist files read"):
            staged = stage_playlists(duckdb.connect(), files, config, folder)
        settings = {name: value for name, value in config.as_dict().items() if name not in _NOT_OF_THE_DATA}
        lineage = lineage_of(context, store, settings, content=content)
        if is_refused(staged, config.max_reject_share):
            kept_in = store.write(REFUSED_REJECTS, staged.rejects, lineage)["path"].value
            raise refusal(staged, config.max_reject_share, kept_in)
    is_synthetic = is_synthetic_sample(content)
    if is_synthetic:
        context.log.warning("The source is the shipped sample: its playlists are synthetic, and so are all figures.")
    rejects_path = str(store.target(REJECTS, ".parquet"))
    for note in _notes(staged, left_out, rejects_path):
        context.log.warning(f"raw_playlists: {note}.")
    metadata = {
        "rejects": staged.reject_count,
        "reject_share": staged.reject_share,
        "rejects_path": dg.MetadataValue.path(rejects_path),
        FINGERPRINT_METADATA: source.fingerprint,
        FILES_METADATA: list(map(str, files)),
        "left_out_files": left_out,
        "notes": staged.notes,
        SYNTHETIC_METADATA: is_synthetic,
        **staged.repeats,
    }
    table = DescribedTable(staged.rows, describe_playlists, beside={REJECTS: staged.rejects})
    return materialized(store, table, lineage, metadata)


def is_synthetic_sample(content: str) -> bool:
    """Whether the ``content`` digest is that of the shipped synthetic sample, wherever the file that was read is."""
    if not SYNTHETIC_SAMPLE.exists():  # the package is installed without it
        return False
    return content == content_digest(open_archives(locate(str(SYNTHETIC_SAMPLE)))[0])


def _notes(staged: StagedPlaylists, left_out: Sequence[str], rejects_path: str) -> Iterator[str]:
    yield from staged.notes
    if left_out:
        yield f"not read, since the names do not end as those of playlist files do: {name_files(left_out)}"
    if staged.reject_count:
        yield rejects_note(staged, rejects_path)


@dg.asset(kinds={"duckdb", "parquet"}, code_version="2")
def track_catalog(
    context: dg.AssetExecutionContext, store: AssetStore, raw_playlists: Relation
) -> dg.MaterializeResult[DescribedTable]:
    """One row for each track, numbered from the most frequent one. Everything downstream holds these numbers."""
    database = store.duckdb
    with running_sql(database.scratch_folder):
        catalog = build_track_catalog(database.connect(), raw_playlists, database.scratch_folder)
    return materialized(store, DescribedTable(catalog, describe_tracks), lineage_of(context, store, {}), {})


INGESTION = Room("1_ingestion", [raw_playlists, track_catalog], {"raw_playlists": RawPlaylistsConfig})
