"""How the ranker learns."""

from rec_assets.core.base.settings import setting
from rec_assets.core.ranker.sources import NeighbourhoodSettings


class RankerSettings(NeighbourhoodSettings):
    """How the ranker learns (LambdaMART), and from which strategies."""

    ranker_folds: int = setting(
        5,
        "Number of parts into which the training playlists are cut for the ranker. It learns from one part after the "
        "other, by strategies that are fitted on all other parts, until it has ranker_examples.",
        ge=2,
        le=100,
    )
    ranker_split_seed: int = setting(
        7, "Seed of the cut of the training playlists into the ranker's parts (ranker_folds)."
    )
    ranker_trees: int = setting(
        60,
        "Number of trees of the ranker (boosting rounds); learning and answering take longer with more.",
        ge=1,
        le=10_000,
    )
    ranker_leaves: int = setting(
        15,
        "Number of leaves of each tree of the ranker; more fit finer differences, and chance too. At most 5 are used "
        "where it has fewer than 2,000 examples to learn from.",
        ge=2,
        le=1_024,
    )
    ranker_learning_rate: float = setting(
        0.08, "Learning rate of the ranker's boosting; a smaller one needs more trees (ranker_trees).", gt=0, le=1
    )
    ranker_more_cuts: int = setting(
        3,
        "Number of places in each playlist, besides its end, at which the ranker learns to predict the next track.",
        ge=0,
        le=100,
    )
    # 20,000 took nearly twice as long on radio, and with five seeds of the trees found no more there or on Spotify.
    ranker_examples: int = setting(
        10_000,
        "Number of examples, at most, that the ranker learns from: the beginning of a playlist with the track that "
        "follows.",
        ge=1,
        le=1_000_000,
    )
    # 50 took 1.6 times as long, and with five seeds of the trees found no more on either of two real sets.
    ranker_negatives: int = setting(
        30,
        "Number of wrong candidates, at most on average, beside the right track in each example that the ranker "
        "learns from.",
        ge=1,
        le=5_000,
    )
    ranker_seed: int = setting(1, "Seed of the ranker's random choices.", ge=0, lt=2**31)
