"""Settings of preparation."""

from decimal import Decimal

from pydantic import Field, model_validator

from rec_assets.core.errors import SettingsError
from rec_assets.core.splits import exact_shares
from rec_assets.settings.base import Settings


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


class RankerSplitSettings(Settings):
    """Which training playlists are kept aside for the ranker."""

    ranker_share: float = Field(
        default=0.2, gt=0, lt=1, description="Share of the training playlists on which the ranker learns."
    )
    ranker_split_seed: int = Field(default=7, description="Another seed keeps others aside.")

    def shares(self) -> dict[str, float]:
        """Share by part."""
        return {"base": float(1 - Decimal(str(self.ranker_share))), "ranker": self.ranker_share}
