"""The two jobs: the whole graph on all playlists, and the same on a tenth of them, each with one flat config."""

from enum import Enum
from typing import Any

import click
import dagster as dg
from pydantic import Field

from rec_assets.assets.tuning.trials import GROUP as TUNING
from rec_assets.core.errors import SettingsError
from rec_assets.settings import (
    EmbeddingsSettings,
    GateSettings,
    HitRateSettings,
    LeaderboardSettings,
    PlaylistsSettings,
    PromotionSettings,
    RankerSplitSettings,
    RanksSettings,
    RecommendationsSettings,
    ReportSettings,
    SequencesSettings,
    Settings,
    SplitSettings,
    TrackRankerSettings,
)
from rec_assets.tuning.jobs import TUNING_JOBS

# Trials are partitions, which one run has one of.
WHOLE_GRAPH = dg.AssetSelection.all() - dg.AssetSelection.groups(TUNING)

# Which settings each step of the graph takes; the flat config of a job is the union of them.
STEP_SETTINGS: dict[str, type[Settings]] = {
    "raw_playlists": PlaylistsSettings,
    "playlist_sequences": SequencesSettings,
    "split_sequences": SplitSettings,
    "track_embeddings": EmbeddingsSettings,
    "split_for_ranker": RankerSplitSettings,
    "base_embeddings": EmbeddingsSettings,
    "track_ranker": TrackRankerSettings,
    "validation_ranks": RanksSettings,
    "validation_hit_rate": HitRateSettings,
    "test_ranks": RanksSettings,
    "test_hit_rate": HitRateSettings,
    "validation_slices": HitRateSettings,
    "compare_strategies": LeaderboardSettings,
    "recommendation_report": ReportSettings,
}
PROMOTION_SETTINGS: dict[str, type[Settings]] = {
    "promotion_decision": GateSettings,
    "promoted_model": PromotionSettings,
    "playlist_recommendations": RecommendationsSettings,
}


class LogLevel(Enum):
    """Levels of the console log."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"


class UnpromotedSettings(
    PlaylistsSettings,
    SequencesSettings,
    SplitSettings,
    RankerSplitSettings,
    EmbeddingsSettings,
    TrackRankerSettings,
    LeaderboardSettings,
    ReportSettings,
):
    """Every setting from ingestion to evaluation, flat."""

    log_level: LogLevel = Field(
        default=LogLevel.INFO, description="What the shell shows; the event log in the UI keeps everything."
    )


class TrainingSettings(UnpromotedSettings, GateSettings, PromotionSettings, RecommendationsSettings):
    """Every setting of the graph, flat."""


class DevTrainingSettings(UnpromotedSettings):
    """Those of evaluation with a tenth of the playlists."""

    sample_percent: float = Field(
        default=10, gt=0, le=100, description="Percent of the playlists used; below 100 it is a dev run."
    )


class InvalidJobSettings(dg.DagsterError, click.ClickException):
    """The flat config of a job is refused, before any step.

    A DagsterError, because Dagster reports any other error of a config mapping as "unexpected"; a
    ClickException, because its command line then prints the message alone, without a hundred lines of stack.
    """


def flat_config(settings_class: type[UnpromotedSettings], taken_by: dict[str, type[Settings]]) -> dg.ConfigMapping:
    """Checks a flat config at launch and hands each step its part."""

    def to_run_config(values: dict[str, Any]) -> dict[str, Any]:
        try:
            settings = settings_class(**values).as_dict()
        except SettingsError as error:
            raise InvalidJobSettings(f"{error}\nNothing was run.") from None
        steps = {
            step: {"config": {name: settings[name] for name in taken.model_fields}} for step, taken in taken_by.items()
        }
        return {"ops": steps, "loggers": {"console": {"config": {"log_level": settings["log_level"]}}}}

    return dg.ConfigMapping(config_fn=to_run_config, config_schema=settings_class.to_config_schema())


training_job = dg.define_asset_job(
    "training_job",
    selection=WHOLE_GRAPH,
    config=flat_config(TrainingSettings, {**STEP_SETTINGS, **PROMOTION_SETTINGS}),
    description="Playlists to hit rates, promoted model and recommendations, on all playlists.",
)
dev_training_job = dg.define_asset_job(
    "dev_training_job",
    selection=WHOLE_GRAPH - dg.AssetSelection.groups("promotion"),
    config=flat_config(DevTrainingSettings, STEP_SETTINGS),
    description="Playlists to hit rates on a tenth of the playlists; what it makes is marked as a dev run's, and "
    "never promoted.",
    tags={"rec_assets/dev_run": "true"},
)

ALL_JOBS = [training_job, dev_training_job, *TUNING_JOBS]
