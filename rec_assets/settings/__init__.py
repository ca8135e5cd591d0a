"""Every setting of every asset: its default, its bounds and what it does; a file per stage.

The flat config of the jobs is the union of these classes, so that a run of a job and "Materialize all" in
the UI start from the same defaults.
"""

from rec_assets.settings.base import Settings
from rec_assets.settings.evaluation import HitRateSettings, LeaderboardSettings, RanksSettings, ReportSettings
from rec_assets.settings.ingestion import PlaylistsSettings
from rec_assets.settings.preparation import RankerSplitSettings, SequencesSettings, SplitSettings
from rec_assets.settings.promotion import GateSettings, PromotionSettings, RecommendationsSettings
from rec_assets.settings.training import EmbeddingsSettings, TrackRankerSettings

__all__ = [
    "EmbeddingsSettings",
    "GateSettings",
    "HitRateSettings",
    "LeaderboardSettings",
    "PlaylistsSettings",
    "PromotionSettings",
    "RankerSplitSettings",
    "RanksSettings",
    "RecommendationsSettings",
    "ReportSettings",
    "SequencesSettings",
    "Settings",
    "SplitSettings",
    "TrackRankerSettings",
]
