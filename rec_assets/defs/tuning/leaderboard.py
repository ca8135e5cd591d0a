"""tuning_leaderboard: what a search found, as tuning_job reports it; no step of the graph makes it."""

from collections.abc import Sequence
from typing import Any

import dagster as dg
import numpy as np
import pandas as pd
import pyarrow as pa

from rec_assets.core.base.lineage import Lineage
from rec_assets.core.pictures.drawing import as_markdown
from rec_assets.core.pictures.parallel_coordinates import Coordinate, plot_parallel_coordinates
from rec_assets.core.tuning.leaderboard import TrialOutcome, Verdict, leaderboard_rows
from rec_assets.core.tuning.search import Range, Search
from rec_assets.defs.shared.materialized import described
from rec_assets.store.asset_store import AssetStore
from rec_assets.store.written import escape_markdown

TUNING_LEADERBOARD = dg.AssetSpec(
    "tuning_leaderboard",
    deps=["track_catalog", "train_sequences", "validation_sequences"],
    description="The trials of the last search, best first: parameters, figures on validation, and whether the best "
    "beats the defaults. Run tuning_job to make it.",
    kinds={"optuna", "parquet"},
    code_version="3",
)
_FIGURES = ("hit_rate", "hit_rate_low", "hit_rate_high", "hit_rate_at_10", "mrr", "ndcg", "seconds")
_COLUMNS = {"trial": pa.int32(), "state": pa.string(), "parameters": pa.string(), "is_default": pa.bool_()}
_COLUMNS |= {**dict.fromkeys(_FIGURES, pa.float64()), "reason": pa.string()}


def report_leaderboard(
    store: AssetStore, lineage: Lineage, search: Search, outcomes: Sequence[TrialOutcome], verdict: Verdict | None
) -> dg.AssetMaterialization:
    """Store the table of the trials, and describe it with the best trial and a picture."""
    rows = leaderboard_rows(search, outcomes)
    table = pa.Table.from_pylist(rows, pa.schema(list(_COLUMNS.items())))
    written = store.write("tuning_leaderboard", store.duckdb.connect().from_arrow(table), lineage)
    metadata: dict[str, Any] = {"search": search.name, "leaderboard": dg.MetadataValue.md(_as_markdown(rows, outcomes))}
    if verdict is not None:
        metadata |= {
            "verdict": verdict.in_words(),
            "best_trial": verdict.best.number,
            "best_hit_rate": verdict.best.hit_rate,
            "best_parameters": dg.MetadataValue.json(dict(verdict.best.parameters)),
            "keeps_defaults": verdict.keeps_defaults,
            "parallel_coordinates": dg.MetadataValue.md(_picture(search, outcomes, verdict.best)),
        }
    return dg.AssetMaterialization(
        "tuning_leaderboard",
        metadata={**(described(lineage, metadata).metadata or {}), **written},
        tags={"dagster/data_version": lineage.data_version},
    )


def _as_markdown(rows: list[dict[str, Any]], outcomes: Sequence[TrialOutcome]) -> str:
    parameters = {outcome.number: outcome.parameters for outcome in outcomes}
    shown = []
    for row in rows:
        figures = {name: row[name] for name in _FIGURES}
        known = {"trial": row["trial"], "state": row["state"], **parameters[row["trial"]], **figures}
        shown.append({**known, "reason": escape_markdown(row["reason"] or "")})
    return pd.DataFrame(shown, dtype=object).to_markdown(index=False, floatfmt=".4g", missingval="")


def _picture(search: Search, outcomes: Sequence[TrialOutcome], best: TrialOutcome) -> str:
    finished = [outcome for outcome in outcomes if outcome.result]
    coordinates = []
    for name, values in search.space.items():
        taken = [outcome.parameters[name] for outcome in finished]
        choices, log = (None, values.log) if isinstance(values, Range) else (values.values, False)
        coordinates.append(Coordinate(name, taken, choices, log))
    title = f"Search {search.name}: {len(finished)} finished of {search.trials} trials, on validation"
    rates, k = np.array([outcome.hit_rate for outcome in finished]), int(search.settings["k"])
    return as_markdown(
        plot_parallel_coordinates(coordinates, rates, k=k, title=title, best=finished.index(best)), title
    )
