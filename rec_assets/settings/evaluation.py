"""Settings of evaluation."""

from enum import Enum

from pydantic import Field

from rec_assets.core.comparison import Contender, name_contender, usual_repeats
from rec_assets.core.recommender import StrategyName
from rec_assets.core.strategies import ColdQuery, Query, Scoring, VectorQuery
from rec_assets.settings.base import Settings

_QUERY = VectorQuery()


class HitRateSettings(Settings):
    """How many tracks are recommended."""

    k: int = Field(
        default=100,
        ge=1,
        le=1_000,
        description="Tracks recommended per playlist; a hit is the held-out track among them.",
    )


class Repeats(Enum):
    """Whether tracks of a playlist may be recommended after it."""

    usual = "usual"
    allowed = "allowed"
    left_out = "left_out"


class RanksSettings(HitRateSettings):
    """How held-out tracks are searched for."""

    strategy: StrategyName = Field(
        default=StrategyName.ranker,
        description="What recommends: ranker (joins all others), playlist_knn, item_knn, sequential_rules, "
        "track_vectors, artist_affinity or popularity.",
    )
    repeats: Repeats = Field(
        default=Repeats.usual,
        description="Whether tracks of the playlist may be recommended again: allowed, left_out, or as usual for the "
        "strategy: the ranker learns when they should, the others leave them out.",
    )
    query: Query = Field(
        default=_QUERY.query, description="What asks track_vectors: the last track, or the whole history."
    )
    scoring: Scoring = Field(
        default=_QUERY.scoring,
        description="What track_vectors hold the query against: input vectors by cosine, or output vectors by product.",
    )
    cold_query: ColdQuery = Field(
        default=_QUERY.cold,
        description="What stands in for a query without a vector: random track, mean of its artist, last tracks of the "
        "history that have one, or popularity.",
    )
    query_decay: float = Field(
        default=_QUERY.decay, gt=0, le=1, description="Weight of a track of the history, per step back."
    )
    query_length: int = Field(default=_QUERY.length, ge=1, le=10_000, description="Tracks of the history that ask.")
    popularity_prior: float = Field(
        default=_QUERY.popularity_prior,
        ge=0,
        le=2,
        description="Times log(count) is added to output scores; ns_exponent would undo negative sampling in full.",
    )
    cold_query_seed: int = Field(
        default=0, ge=0, description="Seed of the random tracks that stand in for queries without a vector."
    )

    def contender(self) -> Contender:
        """The strategy as it is asked, by the name that the leaderboard has for it."""
        query = VectorQuery(
            query=self.query,
            scoring=self.scoring,
            cold=self.cold_query,
            decay=self.query_decay,
            length=self.query_length,
            popularity_prior=self.popularity_prior,
            cold_seed=self.cold_query_seed,
        )
        usual = usual_repeats(self.strategy)
        repeats = usual if self.repeats is Repeats.usual else self.repeats is Repeats.allowed
        return name_contender(self.strategy, query, repeats=repeats)


class LeaderboardSettings(RanksSettings):
    """What the leaderboard compares."""

    leaderboard_playlists: int = Field(
        default=10_000, ge=1, description="At most so many validation playlists are asked, drawn at random."
    )


class MapMethod(Enum):
    """How tracks are laid out on a plane."""

    pca = "pca"
    umap = "umap"


class ReportSettings(Settings):
    """What the report shows."""

    map_method: MapMethod = Field(
        default=MapMethod.pca, description="How the map of tracks is laid out; umap needs the extra `maps`."
    )
