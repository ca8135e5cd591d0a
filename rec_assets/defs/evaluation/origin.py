"""Where the model of the report comes from: what the stored files say, and what the instance knows of the source."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg

from rec_assets.core.base.lineage import Lineage
from rec_assets.core.base.relations import Relation, fetch_row
from rec_assets.core.recommender.recommender import Recommender
from rec_assets.core.report.assessment import UNKNOWN, Origin
from rec_assets.defs.shared.materialized import FILES_METADATA, SYNTHETIC_METADATA


def origin_of(
    instance: dg.DagsterInstance, lineage: Lineage, track_catalog: Relation, recommender: Recommender
) -> Origin:
    """The origin of ``recommender``, which has the ``lineage`` of the report upstream of it."""
    rows, tracks = fetch_row(track_catalog.aggregate("sum(occurrences)::BIGINT, count(*)"))
    vocabulary = int(recommender.has_vector.sum())
    source = _source(instance, lineage.ancestors["raw_playlists"]["data_version"])
    return Origin(*source, rows, tracks, len(recommender.trained_on), vocabulary)


def _source(instance: dg.DagsterInstance, version: str) -> tuple[str, str | None, bool | None]:
    """What ``version`` of raw_playlists was read from, when, and whether it is synthetic; None = unknown."""
    record = instance.get_latest_materialization_event(dg.AssetKey("raw_playlists"))
    event = record.asset_materialization if record else None
    if record is None or event is None or (event.tags or {}).get("dagster/data_version") != version:
        return UNKNOWN, None, None
    files: Any = event.metadata[FILES_METADATA].value
    read_at = datetime.fromtimestamp(record.timestamp, UTC)
    synthetic = bool(event.metadata[SYNTHETIC_METADATA].value)
    # Names of many files may be those of playlists.
    name = Path(files[0]).name if len(files) == 1 else f"{len(files):,} files"
    return name, f"{read_at:%Y-%m-%d %H:%M} UTC", synthetic
