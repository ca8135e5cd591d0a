"""Small pictures for the metadata of assets: PNG below 50 KB, since the event log keeps several copies."""

from rec_assets.core.pictures.hit_rate_curve import plot_hit_rate_curve
from rec_assets.core.pictures.parallel_coordinates import Coordinate, plot_parallel_coordinates
from rec_assets.core.pictures.promotion_history import plot_promotion_history
from rec_assets.core.pictures.slice_rates import plot_slice_rates
from rec_assets.core.pictures.strategy_curves import plot_strategy_curves
from rec_assets.core.pictures.style import as_markdown
from rec_assets.core.pictures.texts import in_words
from rec_assets.core.pictures.track_map import plot_track_map

__all__ = [
    "Coordinate",
    "as_markdown",
    "in_words",
    "plot_hit_rate_curve",
    "plot_parallel_coordinates",
    "plot_promotion_history",
    "plot_slice_rates",
    "plot_strategy_curves",
    "plot_track_map",
]
