"""Ways to recommend the next track, all with one interface: histories in, the best tracks out."""

from rec_assets.core.strategies.answers import NO_TRACK, Answers, Scores, Strategy
from rec_assets.core.strategies.artist_affinity import ArtistAffinity
from rec_assets.core.strategies.item_knn import ItemKnn, ItemKnnSettings, SequentialRules
from rec_assets.core.strategies.playlist_knn import PlaylistKnn, PlaylistKnnSettings
from rec_assets.core.strategies.popularity import Popularity
from rec_assets.core.strategies.recommend import recommend
from rec_assets.core.strategies.track_vectors import (
    TUTORIAL_QUERY,
    ColdQuery,
    Query,
    Scoring,
    TrackVectors,
    VectorQuery,
)

__all__ = [
    "NO_TRACK",
    "TUTORIAL_QUERY",
    "Answers",
    "ArtistAffinity",
    "ColdQuery",
    "ItemKnn",
    "ItemKnnSettings",
    "PlaylistKnn",
    "PlaylistKnnSettings",
    "Popularity",
    "Query",
    "Scores",
    "Scoring",
    "SequentialRules",
    "Strategy",
    "TrackVectors",
    "VectorQuery",
    "recommend",
]
