"""The ops of tuning_job: prepare a study, work on its trials in one process or several, report what they say."""

import multiprocessing
import os
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import dagster as dg
import numpy as np
import pyarrow as pa
from tabulate import tabulate
from threadpoolctl import threadpool_limits

from rec_assets.core.base.errors import DataError, TrainingError
from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.base.lineage import Lineage, derive_lineage
from rec_assets.core.base.relations import Relation
from rec_assets.core.evaluation.figures import rate_text
from rec_assets.core.pictures.drawing import as_markdown
from rec_assets.core.pictures.parallel_coordinates import Coordinate, plot_parallel_coordinates
from rec_assets.core.strategies.tracks import artist_numbers
from rec_assets.core.tuning.leaderboard import (
    TrialOutcome,
    Verdict,
    best_config,
    judge,
    leaderboard_rows,
    tell_progress,
)
from rec_assets.core.tuning.search import Range, Search, SearchSettings, Value, parse_search
from rec_assets.core.tuning.trials import TrialData, TrialResult, TrialSettings, run_trial
from rec_assets.defs.shared.executor import FORKED, on_cluster
from rec_assets.defs.shared.explained import StepConfig
from rec_assets.defs.shared.materialized import described
from rec_assets.store.asset_store import AssetStore
from rec_assets.store.atomic import atomic_file
from rec_assets.store.duckdb import available_cores
from rec_assets.store.io_manager import explaining, retry_transient
from rec_assets.store.local import is_local
from rec_assets.store.written import escape_markdown

if TYPE_CHECKING:
    from rec_assets.defs.tuning.study import SearchStudy

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
_WORKER = "worker_"


class SearchConfig(StepConfig, SearchSettings):
    """A search as its file describes it."""


@dg.op(out=dg.DynamicOut(dg.Nothing))
def prepare(context: dg.OpExecutionContext, config: SearchConfig, store: AssetStore) -> Iterator[Any]:
    """Opens the study of the search, lets what is planned wait in it, and starts the workers."""
    search = parse_search(config)
    with explaining():
        outcomes = _open(store, search, context).prepare()
    states = Counter(outcome.state.value for outcome in outcomes)
    known = ", ".join(f"{count} {state}" for state, count in states.items())
    context.log.info(f"{search.trials} trials by {search.sampler.value}, {search.workers} at the same time; {known}")
    for worker in range(search.workers):
        yield dg.DynamicOutput(None, mapping_key=f"{_WORKER}{worker}")


@dg.op(ins={"prepared": dg.In(dg.Nothing)}, out=dg.Out(dg.Nothing), pool="tuning_workers")
@explaining()
def work(context: dg.OpExecutionContext, config: SearchConfig, store: AssetStore) -> None:
    """Runs trials, each of which trains and measures, until the search has enough."""
    search = parse_search(config)
    worker = int((context.get_mapping_key() or "").removeprefix(_WORKER))
    threads = max(1, available_cores() // search.workers)
    data = _read_data(store)
    study = _open(store, search)

    def run(parameters: Mapping[str, Value]) -> TrialResult:
        return run_trial(data, TrialSettings(**{"workers": threads, **search.fixed, **parameters}))

    def tell(outcome: TrialOutcome) -> None:
        log = context.log.info if outcome.result else context.log.warning
        log(f"{tell_progress(search, study.outcomes())}: {outcome.in_one_line()}")

    with _share_of_cores(search, threads):
        study.work(worker, run, tell)


@dg.op(ins={"worked": dg.In(dg.Nothing)}, out=dg.Out(dg.Nothing))
@explaining()
def leaderboard(context: dg.OpExecutionContext, config: SearchConfig, store: AssetStore) -> None:
    """Compares the trials, reports `tuning_leaderboard`, and writes the settings to use as a config of training_job."""
    search = parse_search(config)
    outcomes = _open(store, search).outcomes()
    verdict = judge(search, outcomes)
    lineage = _lineage(store, search, "\n".join(outcome.in_one_line() for outcome in outcomes))
    context.log_event(_report(store, lineage, search, outcomes, verdict))
    if verdict is None:
        raise TrainingError(f"no trial finished. The first: {outcomes[0].in_one_line()}. Change the search.")
    target = store.target(f"tuning/{search.name}.best", ".yaml")
    with atomic_file(target, store.duckdb.scratch_folder) as temporary:
        temporary.write_text(best_config(search, verdict), encoding="utf-8")
    context.log.info(verdict.in_words())
    what = "the defaults and the `fixed` settings" if verdict.keeps_defaults else "the best trial"
    copied = "" if is_local(target) else " (copy the file here first)"
    context.log.info(
        f"To train with {what}{copied}: dagster job execute -m rec_assets.definitions -j training_job -c {target}"
    )


@dg.graph
def search_graph() -> None:
    """Prepare, work in as many workers as the search asks for, report."""
    leaderboard(prepare().map(work).collect())


def executor_of(settings: SearchConfig) -> dict[str, Any] | None:
    """The config of Dagster's multi_or_in_process_executor; None on a cluster, where each worker is a step of its own.

    One worker shares the process of the job. Several have a process each, since training keeps a process busy.

    Raises:
        SettingsError: something in the search is wrong.
    """
    workers = parse_search(settings).workers
    if on_cluster():
        return None
    return {"multiprocess": {"max_concurrent": workers, **FORKED}} if workers > 1 else {"in_process": {}}


def _open(store: AssetStore, search: Search, context: dg.OpExecutionContext | None = None) -> "SearchStudy":
    """The study of ``search`` over the playlists in ``store``; only with a ``context``, to say so, may it be new."""
    import optuna  # a second

    from rec_assets.defs.tuning.study import SearchStudy, open_storage

    name = search.study_name(_lineage(store, search).inputs)
    storage, folder = open_storage(store.base, search.name)
    known = optuna.get_all_study_names(storage)
    if context is not None:
        others = sum(other.rpartition("-")[0] == search.name for other in known)
        new = "is new" if not others else f"is new; the {others} before it were of other playlists or settings"
        context.log.info(f"study {name} " + ("goes on" if name in known else new))
    elif name not in known:
        raise DataError(
            "another run replaced the playlists since the search was prepared. Run one job at a time on a store, and "
            "run the search again."
        )
    return SearchStudy(search, name, storage, folder)


def _lineage(store: AssetStore, search: Search, content: str = "") -> Lineage:
    """The lineage of a leaderboard with ``content``; raises where an input is missing, or they do not fit together."""
    names = [dep.asset_key.path[-1] for dep in TUNING_LEADERBOARD.deps]
    with retry_transient():
        inputs = {name: store.lineage(name) for name in names}
    settings = {"search": search.name, "trials": search.trials, **search.description()}
    version = TUNING_LEADERBOARD.code_version or ""
    return derive_lineage("tuning_leaderboard", code_version=version, settings=settings, inputs=inputs, content=content)


def _read_data(store: AssetStore) -> TrialData:
    """What all trials are made from, in memory, since another run may replace the files."""
    with retry_transient():
        train, validation, catalog = (
            store.read(name, Relation) for name in ("train_sequences", "validation_sequences", "track_catalog")
        )
        kept = store.duckdb.connect().from_arrow(train.to_arrow_table())
        return TrialData(kept, FlatSequences.from_relation(validation), artist_numbers(catalog))


@contextmanager
def _share_of_cores(search: Search, threads: int) -> Iterator[None]:
    """Keeps a worker in a process of its own to so many ``threads``, and ends it when the run is killed."""
    parent = multiprocessing.parent_process()
    if search.workers > 1 and parent is not None:
        # For LightGBM, which is not loaded yet: if there are more threads than cores, they spin.
        os.environ.update(OMP_NUM_THREADS=str(threads), OMP_WAIT_POLICY="passive")
        threading.Thread(target=lambda: (parent.join(), os._exit(1)), daemon=True).start()
    with threadpool_limits(threads):
        yield


def _report(
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
        metadata={**(described(store, lineage, metadata).metadata or {}), **written},
        tags={"dagster/data_version": lineage.data_version},
    )


def _as_markdown(rows: list[dict[str, Any]], outcomes: Sequence[TrialOutcome]) -> str:
    parameters = {outcome.number: outcome.parameters for outcome in outcomes}
    shown = []
    for row in rows:
        rate, at_10 = row["hit_rate"], row["hit_rate_at_10"]
        figures = {
            "hit rate (95 %)": "" if rate is None else rate_text(rate, row["hit_rate_low"], row["hit_rate_high"]),
            "at 10": "" if at_10 is None else f"{at_10:.3f}",
            "seconds": "" if row["seconds"] is None else f"{row['seconds']:.1f}",
        }
        known = {"trial": row["trial"], "state": row["state"], **parameters[row["trial"]], **figures}
        shown.append({**known, "reason": escape_markdown(row["reason"] or "")})
    return tabulate(shown, "keys", "pipe", disable_numparse=True)


def _picture(search: Search, outcomes: Sequence[TrialOutcome], best: TrialOutcome) -> str:
    finished = [outcome for outcome in outcomes if outcome.result]
    coordinates = []
    for name, values in search.space.items():
        taken = [outcome.parameters[name] for outcome in finished]
        choices, log = (None, values.log) if isinstance(values, Range) else (values.values, False)
        coordinates.append(Coordinate(name, taken, choices, log))
    title = f"Search {search.name}: {len(finished)} finished of {search.trials} trials, on validation"
    rates, k = np.array([outcome.hit_rate for outcome in finished]), int(search.settings["k"])
    picture = plot_parallel_coordinates(coordinates, rates, k=k, title=title, best=finished.index(best))
    return as_markdown(picture, title)
