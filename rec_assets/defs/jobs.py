"""The jobs: the whole graph, a tenth of the playlists, the tutorial, and a search; each with one flat config."""

from typing import Any

import dagster as dg
from dagster._core.storage.tags import REPOSITORY_LABEL_TAG

from rec_assets.core.base.errors import SettingsError
from rec_assets.core.base.settings import read_settings
from rec_assets.core.recommender.fitting import asks_ranker
from rec_assets.defs.evaluation import EVALUATION
from rec_assets.defs.flat_config import flat_config, flat_settings
from rec_assets.defs.ingestion import INGESTION
from rec_assets.defs.preparation import PREPARATION
from rec_assets.defs.promotion import PROMOTION
from rec_assets.defs.shared.executor import lost_step_retries, on_cluster, step_executor
from rec_assets.defs.training import TRAINING
from rec_assets.defs.tuning import TUNING, SearchConfig, executor_of, search_graph
from rec_assets.paths import CONFIGS

ROOMS = (INGESTION, PREPARATION, TRAINING, EVALUATION, PROMOTION, TUNING)
# Of rooms whose assets are materialized: those of tuning are reported by its job.
_GROUPS = [room.name for room in ROOMS if room.assets]
STEP_SETTINGS = {step: config for room in ROOMS for step, config in room.settings.items()}
# Without it the page of a job leaves out its runs that were started from a shell.
_TAGS = {REPOSITORY_LABEL_TAG: "__repository__@rec_assets"}
# A shared instance runs one of each kind at a time.
_TRAINING = {**_TAGS, "rec_assets/work": "training"}
_SEARCH = {**_TAGS, "rec_assets/work": "search"}
_DEV_STEPS = {step: config for step, config in STEP_SETTINGS.items() if step not in PROMOTION.settings}
_TUTORIAL_STEPS = {
    step: STEP_SETTINGS[step]
    for step in ("raw_playlists", "playlist_sequences", "split_sequences", "track_embeddings", "recommender")
}
SPINE = dg.AssetSelection.assets(
    *("raw_playlists", "track_catalog", "playlist_sequences"),
    *("train_sequences", "validation_sequences", "test_sequences", "track_embeddings", "recommender"),
    *("validation_ranks", "validation_hit_rate", "test_ranks", "test_hit_rate"),
)


def _require_no_ranker(settings: Any) -> None:
    if asks_ranker(settings):
        raise SettingsError(
            f"tutorial_job trains no ranker, and strategy {settings.strategy.value} with fitted: "
            f"{settings.fitted.value} needs one. Choose another strategy with fitted: chosen, or run training_job."
        )


def _tutorial_defaults() -> dict[str, Any]:
    """The tutorial's settings, and nothing fitted but its own way to recommend."""
    values = read_settings(CONFIGS / "tutorial.yaml", "tutorial_job")
    spine = flat_settings("Spine", _TUTORIAL_STEPS)
    own = {name: value for name, value in values.items() if name in spine.model_fields} | {"fitted": "chosen"}
    typed = spine(**own)
    return {name: getattr(typed, name) for name in own}


TrainingSettings = flat_settings("TrainingSettings", STEP_SETTINGS)
DevTrainingSettings = flat_settings("DevTrainingSettings", _DEV_STEPS, {"sample_percent": 10.0})
TutorialSettings = flat_settings("TutorialSettings", _TUTORIAL_STEPS, _tutorial_defaults())

training_job = dg.define_asset_job(
    "training_job",
    selection=dg.AssetSelection.groups(*_GROUPS),
    config=flat_config(TrainingSettings, STEP_SETTINGS),
    description="The whole graph, on all playlists: from the playlist files to hit rates, a promoted model and "
    "recommendations.",
    tags=_TRAINING,
    op_retry_policy=lost_step_retries(),
)
dev_training_job = dg.define_asset_job(
    "dev_training_job",
    selection=dg.AssetSelection.groups(*(name for name in _GROUPS if name != PROMOTION.name)),
    config=flat_config(DevTrainingSettings, _DEV_STEPS),
    description="The graph without promotion, on a tenth of the playlists (sample_percent). All results are marked as "
    "those of a dev run, and are never promoted.",
    tags={**_TRAINING, "rec_assets/dev_run": "true"},
    op_retry_policy=lost_step_retries(),
)
tutorial_job = dg.define_asset_job(
    "tutorial_job",
    selection=SPINE,
    config=flat_config(TutorialSettings, _TUTORIAL_STEPS, _require_no_ranker),
    description="Only what leads from the playlist files to the two hit rates, with the tutorial's settings.",
    tags=_TRAINING,
    op_retry_policy=lost_step_retries(),
)
_SEARCH_STEPS = {op.name: SearchConfig for op in search_graph.node_defs}
TuningSettings = flat_settings("TuningSettings", _SEARCH_STEPS)
tuning_job = search_graph.to_job(
    "tuning_job",
    config=flat_config(TuningSettings, _SEARCH_STEPS, executor=executor_of),
    executor_def=step_executor() if on_cluster() else dg.multi_or_in_process_executor,
    description="Searches for better settings on the validation playlists. Results: `tuning_leaderboard`, and a config "
    "file for training_job. Searches to start from are in rec_assets/searches.",
    tags=_SEARCH,
    op_retry_policy=lost_step_retries(),
)
ALL_JOBS = [training_job, dev_training_job, tutorial_job, tuning_job]
