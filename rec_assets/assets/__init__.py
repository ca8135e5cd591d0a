"""The asset graph, a folder per stage, a file per asset; all of it thin shells over the core."""

from rec_assets.assets.evaluation.held_out_ranks import test_ranks, validation_ranks
from rec_assets.assets.evaluation.hit_rates import test_hit_rate, validation_hit_rate
from rec_assets.assets.evaluation.model_leaderboard import compare_strategies
from rec_assets.assets.evaluation.recommendation_report import recommendation_report
from rec_assets.assets.evaluation.validation_slices import validation_slices
from rec_assets.assets.ingestion.raw_playlists import raw_playlists
from rec_assets.assets.ingestion.track_catalog import track_catalog
from rec_assets.assets.preparation.playlist_sequences import playlist_sequences
from rec_assets.assets.preparation.split_sequences import split_for_ranker, split_sequences
from rec_assets.assets.promotion.playlist_recommendations import playlist_recommendations
from rec_assets.assets.promotion.promoted_model import promoted_model
from rec_assets.assets.promotion.promotion_decision import promotion_decision
from rec_assets.assets.training.embeddings import base_embeddings, track_embeddings
from rec_assets.assets.training.track_ranker import track_ranker
from rec_assets.assets.tuning.trials import trial_embeddings, trial_hit_rate
from rec_assets.assets.tuning.tuning_leaderboard import tuning_leaderboard

ALL_ASSETS = [
    raw_playlists,
    track_catalog,
    playlist_sequences,
    split_sequences,
    track_embeddings,
    split_for_ranker,
    base_embeddings,
    track_ranker,
    validation_ranks,
    validation_hit_rate,
    test_ranks,
    test_hit_rate,
    validation_slices,
    compare_strategies,
    recommendation_report,
    promotion_decision,
    promoted_model,
    playlist_recommendations,
    trial_embeddings,
    trial_hit_rate,
    tuning_leaderboard,
]
