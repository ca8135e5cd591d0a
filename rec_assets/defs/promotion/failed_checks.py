"""Which checks of a candidate failed, as far as the instance knows."""

from collections.abc import Collection

import dagster as dg


def failed_checks(context: dg.AssetExecutionContext, ancestors: Collection[str]) -> list[str]:
    """``asset.check`` of every check that failed, as an error, on the latest materialization of one of ``ancestors``.

    Checks that only warn are left out: some of them give a false alarm now and then, and say so.
    """
    keys = context.job_def.asset_layer.asset_graph.asset_check_keys
    own = sorted((key for key in keys if key.asset_key.path[-1] in ancestors), key=lambda key: key.to_user_string())
    return [f"{key.asset_key.path[-1]}.{key.name}" for key in own if _failed(context.instance, key)]


def _failed(instance: dg.DagsterInstance, key: dg.AssetCheckKey) -> bool:
    record = instance.get_latest_asset_check_evaluation_record(key)
    entry = record.event if record else None
    evaluation = entry.asset_check_evaluation if entry and entry.dagster_event else None
    if evaluation is None or evaluation.passed or evaluation.severity is not dg.AssetCheckSeverity.ERROR:
        return False
    latest, target = instance.get_latest_materialization_event(key.asset_key), evaluation.target_materialization_data
    # Of an earlier materialization it says nothing.
    return latest is None or target is None or latest.run_id == target.run_id
