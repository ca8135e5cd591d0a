"""tuning_leaderboard: the trials of one search, best first."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

import dagster as dg
import numpy as np
import pandas as pd
import pyarrow as pa

from rec_assets.assets.materialized import OWNERS, lineage_of, materialized
from rec_assets.assets.schemas import schema_metadata
from rec_assets.assets.tuning.outcomes import trial_outcomes
from rec_assets.assets.tuning.trials import GROUP, trial_hit_rate
from rec_assets.core.errors import DataError, SettingsError
from rec_assets.core.plots import Coordinate, as_markdown, plot_parallel_coordinates
from rec_assets.core.relations import Relation
from rec_assets.core.tuning import TrialOutcome, TrialState, best_outcome, leaderboard_rows
from rec_assets.resources.duckdb import SharedDuckDB
from rec_assets.resources.store import AssetStore, stored_name
from rec_assets.resources.trial_files import TrialFiles
from rec_assets.settings.tuning import TuningLeaderboardSettings

_TEXTS, _FIGURES = (
    ("trial", "state", "parameters"),
    ("hit_rate", "hit_rate_low", "hit_rate_high", "hit_rate_at_10", "mrr", "ndcg", "seconds"),
)
_COLUMNS = pa.schema(
    [
        *((name, pa.string()) for name in _TEXTS),
        *((name, pa.float64()) for name in _FIGURES),
        ("is_best", pa.bool_()),
    ]
)


@dg.asset(
    deps=[trial_hit_rate],
    group_name=GROUP,
    kinds={"parquet"},
    owners=OWNERS,
    code_version="1",
    metadata=schema_metadata("tuning_leaderboard"),
)
def tuning_leaderboard(
    context: dg.AssetExecutionContext, config: TuningLeaderboardSettings, duckdb: SharedDuckDB, store: AssetStore
) -> dg.MaterializeResult[Relation]:
    """One row per trial of a search: its state, parameters and figures on validation; the best first."""
    search = config.search or _only_search(store)
    outcomes = trial_outcomes(context.instance, store, search)
    if not outcomes:
        raise DataError(f"search {search} has no trial in the store {store.base}. Run rec-assets tune {search}.")
    finished = [outcome for outcome in outcomes if outcome.state is TrialState.finished]
    lineage = lineage_of(
        context,
        store,
        {"search": search},
        upstream=[stored_name("trial_hit_rate", outcome.trial.key) for outcome in finished],
        content=json.dumps([(outcome.trial.as_document(), outcome.state.value) for outcome in outcomes]),
    )
    table = leaderboard_table(outcomes)
    metadata = {"search": search, **_counts(outcomes), **_best(outcomes, table, search)}
    return materialized(duckdb.connect().from_arrow(table), lineage, metadata)


def _only_search(store: AssetStore) -> str:
    """The search that is meant if none is named."""
    searches = TrialFiles(store.base).searches()
    if len(searches) != 1:
        found = f"the trials of {', '.join(searches)}" if searches else "no trial"
        raise SettingsError(
            f"Setting `search` is empty, and the store {store.base} holds {found}. Name one search, or run "
            "rec-assets tune first."
        )
    return searches[0]


def _counts(outcomes: Sequence[TrialOutcome]) -> dict[str, int]:
    counts = Counter(outcome.state for outcome in outcomes)
    return {state.value: counts[state] for state in TrialState}


def _best(outcomes: Sequence[TrialOutcome], table: pa.Table, search: str) -> dict[str, Any]:
    """Table and, if a trial is finished, picture and best trial."""
    shown: dict[str, Any] = {"leaderboard": dg.MetadataValue.md(leaderboard_text(table, "pipe"))}
    best = best_outcome(outcomes)
    if best is None or best.report is None:
        return shown
    finished = [outcome for outcome in outcomes if outcome.state is TrialState.finished]
    title = f"Search {search}: {len(finished)} finished of {len(outcomes)} trials, on validation"
    picture = plot_parallel_coordinates(
        _coordinates(finished),
        np.array([outcome.hit_rate for outcome in finished]),
        k=int(best.report["k"]),
        title=title,
        best=finished.index(best),
    )
    return {
        **shown,
        "parallel_coordinates": dg.MetadataValue.md(as_markdown(picture, title)),
        "best_trial": best.trial.key,
        "best_hit_rate": best.hit_rate,
        "best_parameters": dg.MetadataValue.json(dict(best.trial.parameters)),
    }


def _coordinates(finished: Sequence[TrialOutcome]) -> list[Coordinate]:
    space = finished[0].trial.description["parameters"]
    coordinates = []
    for name, spec in space.items():
        values = [outcome.trial.parameters[name] for outcome in finished]
        if isinstance(spec, list):
            coordinates.append(Coordinate(name, values, choices=spec))
        else:
            coordinates.append(Coordinate(name, values, log=spec["log"]))
    return coordinates


def leaderboard_table(outcomes: Sequence[TrialOutcome]) -> pa.Table:
    """The table of the asset."""
    return pa.Table.from_pylist(leaderboard_rows(outcomes), _COLUMNS)


def leaderboard_text(table: pa.Table, style: str) -> str:
    """The leaderboard for people, a column per parameter, in a ``style`` of tabulate."""
    frame: pd.DataFrame = table.to_pandas()
    parameters = pd.DataFrame([json.loads(text) for text in frame["parameters"]])
    figures = frame[["hit_rate", "hit_rate_low", "hit_rate_high", "hit_rate_at_10", "mrr", "seconds"]]
    shown = pd.concat([frame[["trial", "state"]], parameters, figures], axis=1)
    known = shown.astype(object).where(shown.notna(), None)
    return known.to_markdown(index=False, floatfmt=".4g", missingval="", tablefmt=style)
