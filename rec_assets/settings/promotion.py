"""Settings of promotion."""

from pydantic import Field

from rec_assets.core.promoted import Bounds
from rec_assets.settings.base import Settings

_BOUNDS = Bounds()


class GateSettings(Settings):
    """What a candidate must keep to, to take the place of the promoted model."""

    max_hit_rate_loss: float = Field(
        default=_BOUNDS.max_hit_rate_loss,
        ge=0,
        le=1,
        description="How far below the promoted model's hit rate, on the same playlists, a candidate may be; the "
        "95 % interval may reach to twice as much.",
    )
    max_relative_loss: float = Field(
        default=_BOUNDS.max_relative_loss,
        ge=0,
        le=1,
        description="The same as a share of the promoted model's hit rate; the smaller of the two holds.",
    )
    max_hit_rate_gain: float = Field(
        default=_BOUNDS.max_hit_rate_gain,
        ge=0,
        le=1,
        description="How far above it a candidate of the same strategy may be: more says that held-out tracks are "
        "known.",
    )
    max_hit_rate_shift: float = Field(
        default=_BOUNDS.max_hit_rate_shift,
        ge=0,
        le=1,
        description="How far the promoted model's own hit rate may fall from its held-out playlists to the new ones: "
        "further says that the data have changed.",
    )
    max_copied_share: float = Field(
        default=_BOUNDS.max_copied_share,
        ge=0,
        le=1,
        description="Share (0..1) of the validation playlists that may be training playlists, track by track.",
    )
    min_data_ratio: float = Field(
        default=_BOUNDS.min_data_ratio, ge=0, le=1, description="Rows, playlists and tracks may shrink to this ratio."
    )
    max_data_ratio: float = Field(
        default=_BOUNDS.max_data_ratio, ge=1, le=1_000_000, description="And grow to this one."
    )
    min_known_share: float = Field(
        default=_BOUNDS.min_known_share,
        ge=0,
        le=1,
        description="Share (0..1) of the rows whose track the promoted model must know.",
    )
    compared_playlists: int = Field(
        default=10_000, ge=1, description="At most so many validation playlists are put to the promoted model."
    )

    replace_unreadable: bool = Field(
        default=False,
        description="Promote without a comparison where the promoted model cannot be read, or none of the kept ones is "
        "current.",
    )

    def bounds(self) -> Bounds:
        """The settings as the core takes them."""
        return Bounds(**self.model_dump(exclude={"compared_playlists", "replace_unreadable"}))


class PromotionSettings(Settings):
    """What is kept of promoted models."""

    kept_versions: int = Field(
        default=5, ge=1, le=1_000, description="Promoted versions that are kept, the current one among them."
    )


class RecommendationsSettings(Settings):
    """What is recommended to every playlist."""

    recommended_tracks: int = Field(default=20, ge=1, le=1_000, description="Tracks recommended to each playlist.")
