"""Every setting of every asset: its default, its bounds and what it does, in this one place.

The flat config of the jobs is the union of these classes, so that a run of a job and "Materialize all" in
the UI start from the same defaults.
"""

import os
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import Field, ValidationError, model_validator

from rec_assets.core.embeddings import Hyperparameters
from rec_assets.core.errors import SettingsError
from rec_assets.core.playlists import COLUMN_NAMES, PlaylistSource, SourceFormat
from rec_assets.core.splits import exact_shares
from rec_assets.paths import MADE_SAMPLE

_TUTORIAL = Hyperparameters()


class Settings(dg.Config):
    """Settings whose errors name the setting, the value and the bound."""

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            # From None: pydantic's own text, with links to its site, would come first and bury the message.
            raise SettingsError(_explain(type(self), error)) from None

    def as_dict(self) -> dict[str, Any]:
        """The settings as JSON-ready values."""
        return self.model_dump(mode="json")


_BOUNDS = {"gt": "above {:,}", "ge": "at least {:,}", "lt": "below {:,}", "le": "at most {:,}"}


def _explain(settings: type[dg.Config], error: ValidationError) -> str:
    """A line per fault: the setting, its value, what was expected, what it does and what to do."""
    return "\n".join(_explain_fault(settings, fault) for fault in error.errors())


def _explain_fault(settings: type[dg.Config], fault: Any) -> str:
    name = str(fault["loc"][0]) if fault["loc"] else ""
    if name not in settings.model_fields:  # a rule about several settings, which names them
        return f"{fault.get('ctx', {}).get('error', fault['msg'])} Change them in the run config."
    field = settings.model_fields[name]
    value = f"{fault['input']:g}" if isinstance(fault["input"], float) else repr(fault["input"])
    expected = [
        words.format(getattr(m, key)) for m in field.metadata for key, words in _BOUNDS.items() if hasattr(m, key)
    ]
    return (
        f"Setting `{name}` is {value}; expected {' and '.join(expected) or fault['msg']}. Change it in the run config. "
        f"({name}: {field.description})"
    )


class PlaylistsSettings(Settings):
    """What `raw_playlists` reads."""

    source: str = Field(
        default="",
        description="File, folder or glob pattern of playlists; empty = the environment variable "
        "REC_ASSETS_SOURCE, else the made sample.",
    )
    format: SourceFormat = Field(
        default=SourceFormat.auto,
        description="How the files are written: auto, unescaped_csv (the public playlists file), csv or parquet.",
    )
    columns: dict[str, str] = Field(
        default={},
        description="Column names where they differ, as {row_id|user_id|playlist|artist|track: name in the file}.",
    )
    max_reject_share: float = Field(
        default=0.01, ge=0, le=1, description="Above this share (0..1) of unreadable rows the asset fails."
    )

    @model_validator(mode="after")
    def _columns_are_known(self) -> "PlaylistsSettings":
        unknown = set(self.columns) - set(COLUMN_NAMES)
        if unknown:
            raise ValueError(
                f"Setting `columns` names {', '.join(sorted(unknown))}; expected row_id, user_id, playlist, artist or "
                "track, each with its name in the file."
            )
        return self

    def playlist_source(self) -> PlaylistSource:
        """The source that is meant, by setting, environment or default."""
        location = self.source or os.environ.get("REC_ASSETS_SOURCE") or str(MADE_SAMPLE)
        return PlaylistSource(location, self.format, self.columns)

    def is_made_sample(self) -> bool:
        """Whether the shipped sample, which is made, is what is read."""
        return Path(self.playlist_source().location).expanduser().resolve() == MADE_SAMPLE


class SequencesSettings(Settings):
    """Which playlists become sequences."""

    sample_percent: float = Field(
        default=100, gt=0, le=100, description="Percent of the playlists used; below 100 it is a dev run."
    )
    sample_seed: int = Field(default=0, description="Another seed samples other playlists.")
    min_tracks: int = Field(
        default=3, ge=2, description="Tracks a playlist needs; the last is held out, the one before it asks."
    )


class SplitSettings(Settings):
    """How playlists are split."""

    train_share: float = Field(default=0.7, gt=0, lt=1, description="Share of the playlists to train on.")
    validation_share: float = Field(default=0.2, gt=0, lt=1, description="Share to choose settings by.")
    test_share: float = Field(default=0.1, gt=0, lt=1, description="Share to measure the final model on.")
    split_seed: int = Field(default=42, description="Another seed gives another split.")

    @model_validator(mode="after")
    def _shares_add_to_one(self) -> "SplitSettings":
        try:
            exact_shares(self.shares())
        except SettingsError as error:
            raise ValueError(f"Settings {error}") from error
        return self

    def shares(self) -> dict[str, float]:
        """Share by split name."""
        return {"train": self.train_share, "validation": self.validation_share, "test": self.test_share}


class EmbeddingsSettings(Settings):
    """Hyperparameters of Word2Vec; names are gensim's, defaults the tutorial's."""

    min_count: int = Field(
        default=_TUTORIAL.min_count, ge=1, description="Rarer tracks (occurrences in training) get no vector."
    )
    epochs: int = Field(default=_TUTORIAL.epochs, ge=1, le=1_000, description="Passes over the training playlists.")
    vector_size: int = Field(default=_TUTORIAL.vector_size, ge=1, le=2_048, description="Dimensions of a vector.")
    window: int = Field(
        default=_TUTORIAL.window, ge=1, le=1_000, description="Tracks on either side that count as context."
    )
    ns_exponent: float = Field(
        default=_TUTORIAL.ns_exponent,
        ge=-2,
        le=2,
        description="Negatives are drawn by count to this power: 1 by count, 0 all alike, below 0 rare first.",
    )
    sg: int = Field(default=_TUTORIAL.sg, ge=0, le=1, description="0 = CBOW; 1 = skip-gram, about four times slower.")
    negative: int = Field(default=_TUTORIAL.negative, ge=1, le=100, description="Negative samples per context.")
    sample: float = Field(
        default=_TUTORIAL.sample, ge=0, lt=1, description="Tracks above this share of rows are downsampled; 0 = none."
    )
    alpha: float = Field(
        default=_TUTORIAL.alpha, ge=0.0001, le=1, description="Learning rate at the start; it falls to 0.0001."
    )
    workers: int = Field(
        default=_TUTORIAL.workers,
        ge=1,
        le=64,
        description="Training threads; two or more never repeat exactly.",
    )
    seed: int = Field(default=_TUTORIAL.seed, ge=0, lt=2**32, description="Seed of training.")
    reproducible: bool = Field(
        default=False,
        description="One training thread whatever `workers` says: the same input gives the same bytes.",
    )

    def hyperparameters(self) -> Hyperparameters:
        """The settings as the core takes them."""
        values = self.model_dump(exclude={"reproducible"})
        return Hyperparameters(**{**values, "workers": 1 if self.reproducible else self.workers})


class HitRateSettings(Settings):
    """How many tracks are recommended."""

    k: int = Field(
        default=100,
        ge=1,
        le=1_000,
        description="Tracks recommended per playlist; a hit is the held-out track among them.",
    )


class RanksSettings(HitRateSettings):
    """How held-out tracks are searched for."""

    cold_query_seed: int = Field(
        default=0, ge=0, description="Seed of the random tracks that stand in for queries without a vector."
    )
