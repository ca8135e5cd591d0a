"""What every asset returns: value, metadata, data version and lineage together."""

from collections.abc import Collection, Mapping
from dataclasses import asdict
from typing import Any

import dagster as dg

from rec_assets.core.base.lineage import FULL, Lineage, derive_lineage
from rec_assets.store.asset_store import AssetStore
from rec_assets.store.io_manager import LINEAGE_METADATA, retry_transient

# Of raw_playlists, for the report.
FILES_METADATA, SYNTHETIC_METADATA = "source_files", "synthetic_sample"


def lineage_of(
    context: dg.AssetExecutionContext,
    store: AssetStore,
    settings: Mapping[str, Any],
    *,
    key: str | None = None,
    content: str = "",
    sample_percent: float = FULL,
    unused: Collection[str] = (),
    apart: Collection[str] = (),
) -> Lineage:
    """The lineage of the asset at work (of ``key`` where a step makes several), from its stored inputs.

    Run config is no part of Dagster's own data version, so one is derived here. Versions of inputs are read
    from the files that were loaded: another instance may have written them. Parents that are ``unused`` with these
    settings play no part. For ``apart`` see :func:`derive_lineage`.
    """
    asset_key = dg.AssetKey(key) if key else context.asset_key
    parents = [parent.path[-1] for parent in context.assets_def.asset_deps[asset_key]]
    with retry_transient():
        inputs = {name: store.lineage(name) for name in parents if name not in unused}
    lineage = derive_lineage(
        asset_key.path[-1],
        code_version=context.assets_def.code_versions_by_key[asset_key] or "",
        settings=settings,
        inputs=inputs,
        content=content,
        sample_percent=sample_percent,
        step=context.op_def.name if key else None,
        apart=apart,
    )
    if lineage.is_dev:
        context.log.warning(
            f"{asset_key.path[-1]}: DEV RUN on {lineage.sample_percent:g} % of the playlists; "
            "its figures are not those of the full data."
        )
    return lineage


def materialized(
    store: AssetStore, value: Any, lineage: Lineage, metadata: Mapping[str, Any], *, key: str | None = None
) -> dg.MaterializeResult[Any]:
    """``value`` with ``metadata`` and what its lineage says, for ``store`` to keep."""
    return described(store, lineage, metadata, key=key)._replace(value=value)


def last_metadata(instance: dg.DagsterInstance, asset: str) -> Mapping[str, dg.MetadataValue]:
    """What the last materialization of ``asset`` said; empty where ``instance`` knows of none."""
    record = instance.get_latest_materialization_event(dg.AssetKey(asset))
    return record.asset_materialization.metadata if record and record.asset_materialization else {}


def described(
    store: AssetStore, lineage: Lineage, metadata: Mapping[str, Any], *, key: str | None = None
) -> dg.MaterializeResult[Any]:
    """``metadata`` and what ``lineage`` says, of a value that ``store``, which stands first, keeps already.

    Floats keep four digits: metadata is for people and their plots, the files have the exact figures.
    """
    return dg.MaterializeResult(
        asset_key=key,
        data_version=dg.DataVersion(lineage.data_version),
        metadata={
            "store": dg.MetadataValue.path(store.base),
            **{name: rounded(entry) for name, entry in metadata.items()},
            "sample_percent": lineage.sample_percent,
            "dev_run": lineage.is_dev,
            "settings": dg.MetadataValue.json(dict(lineage.settings)),
            LINEAGE_METADATA: dg.MetadataValue.json(asdict(lineage)),
        },
    )


def rounded(entry: Any) -> Any:
    """A float with four digits, and anything else as it is."""
    return float(f"{entry:.4g}") if isinstance(entry, float) else entry
