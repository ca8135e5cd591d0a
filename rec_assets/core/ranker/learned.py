"""The ranker: LambdaMART over candidates (Burges 2010, "From RankNet to LambdaRank to LambdaMART"), by LightGBM.

Most of the training playlists fit the strategies, the others teach how to order what these propose.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from rec_assets.core.base.errors import DataError, TrainingError, UnreadableError
from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.base.one_blas_thread import one_blas_thread
from rec_assets.core.base.relations import Relation
from rec_assets.core.base.settings import setting
from rec_assets.core.playlists.splits import split_sequences
from rec_assets.core.ranker.sources import FEATURES, NeighbourhoodSettings, Sources, candidate_features
from rec_assets.core.strategies.tracks import Tracks
from rec_assets.core.vectors.embeddings import TrackEmbeddings

BATCH = 128
# As in evaluation, where a playlist has at least three tracks.
SHORTEST_HISTORY = 2


class RankerSettings(NeighbourhoodSettings):
    """How the ranker learns (LambdaMART), and from which strategies."""

    ranker_share: float = setting(
        0.2,
        "Share of the training playlists that the ranker learns from (0.2 = a fifth); the strategies that it ranks "
        "are fitted on the others meanwhile.",
        gt=0,
        lt=1,
    )
    ranker_split_seed: int = setting(7, "Seed of the choice of training playlists that the ranker learns from.")
    ranker_trees: int = setting(
        60,
        "Number of trees of the ranker (boosting rounds); learning and answering take longer with more.",
        ge=1,
        le=10_000,
    )
    ranker_leaves: int = setting(
        15, "Number of leaves of each tree of the ranker; more fit finer differences, and chance too.", ge=2, le=1_024
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
    ranker_examples: int = setting(
        20_000,
        "Number of examples, at most, that the ranker learns from: the beginning of a playlist with the track that "
        "follows.",
        ge=1,
        le=1_000_000,
    )
    ranker_negatives: int = setting(
        100,
        "Number of wrong candidates, at most on average, beside the right track in each example that the ranker "
        "learns from.",
        ge=1,
        le=5_000,
    )
    ranker_seed: int = setting(1, "Seed of the ranker's random choices.", ge=0, lt=2**31)


@dataclass(frozen=True)
class Ranker:
    """A trained ranker, or one that had nothing to learn from.

    Attributes:
        model: LightGBM's text form of the trees; empty where nothing was learned.
        features: names of the columns that it takes.
        settings: :class:`RankerSettings` by name.
        targets_missed: examples whose target no strategy proposed; nothing can be learned from them.
        gains: share (0..1) of each feature in the gain of all splits.
    """

    model: str
    features: tuple[str, ...]
    settings: dict
    examples: int
    targets_missed: int
    gains: dict[str, float]

    @classmethod
    def unlearned(cls, settings: RankerSettings) -> "Ranker":
        """A ranker that is none."""
        return cls("", FEATURES, settings.as_dict(), 0, 0, {})


@dataclass(frozen=True)
class Examples:
    """``m`` histories of rows, and ``targets`` (m,), the row that follows each."""

    histories: FlatSequences
    targets: np.ndarray


def learn_from_held_aside(
    train_sequences: Relation,
    artists: np.ndarray,
    settings: RankerSettings,
    train: Callable[[FlatSequences], TrackEmbeddings],
    on_fitted: Callable[[int], None] = lambda playlists: None,
    on_progress: Callable[[str, int, int], None] = lambda what, done, total: None,
) -> Ranker:
    """Fit the strategies on a part of ``train_sequences``, and learn from the others how to order candidates.

    Takes ``user_id, playlist, track_indexes, length``, and (t,) ``artists`` by track index. ``train`` gets the
    playlists for the strategies and must not know the others; ``on_fitted`` is called with their number when these are
    fitted.

    Raises:
        DataError: there is nothing to learn.
        TrainingError: the vectors are not finite, or LightGBM cannot learn.
    """
    base, aside = split_for_ranker(train_sequences, settings)
    embeddings = train(base)
    embeddings.require_finite()
    tracks = Tracks.count_in(base, artists)

    def fitted() -> Sources:
        sources = Sources.fit(tracks, tracks.rows(base), embeddings, settings)
        on_fitted(len(base))
        return sources

    # Nothing here keeps the sources, so that they are gone before the trees grow.
    return train_ranker(fitted(), tracks.rows(aside), settings, on_progress)


def split_for_ranker(train_sequences: Relation, settings: RankerSettings) -> tuple[FlatSequences, FlatSequences]:
    """The training playlists on which strategies are fitted, and those kept aside for the ranker.

    Two parts of exact size by a seeded hash of the playlist, in the order of the hash.

    Raises:
        DataError: there are not two playlists.
    """
    shares = {"base": float(1 - Decimal(str(settings.ranker_share))), "ranker": settings.ranker_share}
    parts = split_sequences(train_sequences, shares=shares, seed=settings.ranker_split_seed, purpose="ranker")
    return FlatSequences.from_relation(parts["base"]), FlatSequences.from_relation(parts["ranker"])


def train_ranker(
    sources: Sources,
    playlists: FlatSequences,
    settings: RankerSettings,
    on_progress: Callable[[str, int, int], None] = lambda what, done, total: None,
) -> Ranker:
    """Learn from ``playlists`` of rows that none of the ``sources`` has seen.

    ``on_progress`` is called with what is counted ("examples", then "trees"), how many are done and how many to do.

    Raises:
        DataError: no target is among its candidates, or like all of them, so there is nothing to learn.
        TrainingError: LightGBM cannot be loaded, or cannot learn.
    """
    examples = cut_examples(
        playlists, more_cuts=settings.ranker_more_cuts, limit=settings.ranker_examples, seed=settings.ranker_seed
    )
    batches, total = _labelled(sources, examples, settings, on_progress), len(examples.targets)
    del sources  # a gigabyte at full size, which the trees do not need
    found = sum(len(sizes) for _, _, sizes in batches)
    if found == 0:
        raise DataError(
            f"the ranker has nothing to learn from: of {total} examples from {len(playlists)} playlists held "
            "aside, no strategy proposed the target. Bring more playlists, or raise ranker_share."
        )
    trees = _boost(*_joined(batches), settings, lambda done: on_progress("trees", done, settings.ranker_trees))
    gains = trees.feature_importance("gain")
    if not gains.any():
        raise DataError(
            f"the ranker has nothing to learn from: nothing tells the targets of {found} examples from the other "
            "candidates. Bring more playlists, or raise ranker_share."
        )
    shares = dict(zip(FEATURES, (gains / gains.sum()).tolist(), strict=True))
    return Ranker(trees.model_to_string(), FEATURES, settings.as_dict(), found, total - found, shares)


def cut_examples(playlists: FlatSequences, *, more_cuts: int, limit: int, seed: int) -> Examples:
    """One example per playlist with its last track as the target, and ``more_cuts`` at random earlier places.

    The playlists are in random order and of at least two tracks. The same place counts once, and short playlists have
    fewer. Only the first ``limit`` examples are kept.
    """
    lengths = playlists.lengths()
    draws = np.random.default_rng(seed).random((len(playlists), more_cuts))
    earlier = SHORTEST_HISTORY + (draws * np.maximum(lengths - 1 - SHORTEST_HISTORY, 0)[:, None]).astype(np.int64)
    cuts = np.column_stack([np.minimum(earlier, lengths[:, None] - 1), lengths - 1])
    widest = int(lengths.max(initial=0)) + 1
    keys = np.unique(np.arange(len(playlists))[:, None] * widest + cuts)[:limit]
    sequence, cut = keys // widest, keys % widest
    return Examples(playlists.cut_at(sequence, cut), playlists.values[playlists.offsets[sequence] + cut])


def _labelled(
    sources: Sources, examples: Examples, settings: RankerSettings, on_progress: Callable[[str, int, int], None]
) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """What :func:`_label` gives for each batch of ``examples``, on all cores."""
    batches, total = [], len(examples.targets)

    def label(start: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        part = slice(start, start + BATCH)
        draw = np.random.default_rng((settings.ranker_seed, start))
        return _label(sources, examples.histories[part], examples.targets[part], settings.ranker_negatives, draw)

    workers = ThreadPoolExecutor(os.cpu_count())
    try:
        for batch in workers.map(label, range(0, total, BATCH)):
            batches.append(batch)
            on_progress("examples", min(len(batches) * BATCH, total), total)
    finally:
        workers.shutdown(cancel_futures=True)  # else a run that is cancelled would wait for all of them
    return batches


def _label(
    sources: Sources, histories: FlatSequences, targets: np.ndarray, negatives: int, draw: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features, labels (1 = the target) and group sizes of the examples whose target is a candidate."""
    with one_blas_thread():
        candidates = sources.propose(histories)
    is_target = candidates.rows == targets[candidates.history]
    counts = np.bincount(candidates.history, minlength=len(histories))
    learnable = np.bincount(candidates.history, weights=is_target, minlength=len(histories)) > 0
    kept = is_target | (draw.random(len(is_target)) < (negatives / counts)[candidates.history])
    kept &= learnable[candidates.history]
    features = candidate_features(sources, histories, candidates)[kept]
    sizes = np.bincount(candidates.history[kept], minlength=len(histories))
    return features, is_target[kept], sizes[sizes > 0]


def _joined(batches: list[tuple[np.ndarray, ...]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All features, labels and sizes. The list of batches is emptied, so that the features are never there twice."""
    labels, sizes = (np.concatenate([batch[part] for batch in batches]) for part in (1, 2))
    features = np.empty((len(labels), len(FEATURES)), np.float32)
    end = len(labels)
    while batches:
        own, _, _ = batches.pop()
        features[end - len(own) : end] = own
        end -= len(own)
    return features, labels, sizes


def _boost(
    features: np.ndarray,
    labels: np.ndarray,
    sizes: np.ndarray,
    settings: RankerSettings,
    on_tree: Callable[[int], None],
) -> Any:
    # Its threads would keep their cores busy while they wait: with other work on two cores 20,000 rows took 7.5 to
    # 9.2 s instead of 2.0. It is read when the library is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    try:
        import lightgbm  # a second
    except OSError as error:  # its wheel does not bring OpenMP
        raise TrainingError(f"LightGBM cannot be loaded ({error}). On Debian: apt-get install libgomp1") from error
    parameters = {
        "objective": "lambdarank",
        "lambdarank_truncation_level": 100,
        "num_leaves": settings.ranker_leaves,
        "learning_rate": settings.ranker_learning_rate,
        "min_data_in_leaf": min(50, max(1, len(labels) // 100)),
        "lambda_l2": 1.0,
        "feature_fraction": 0.7,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "seed": settings.ranker_seed,
        # The same trees whatever the number of threads.
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }
    data = lightgbm.Dataset(features, labels, group=sizes, feature_name=list(FEATURES), params=parameters)
    try:
        return lightgbm.train(
            parameters,
            data,
            num_boost_round=settings.ranker_trees,
            callbacks=[lambda environment: on_tree(environment.iteration + 1)],
        )
    except lightgbm.basic.LightGBMError as error:
        raise TrainingError(
            f"LightGBM cannot learn from {len(labels)} candidates of {len(sizes)} examples ({error}). Raise "
            "ranker_examples or ranker_negatives, or bring more playlists."
        ) from error


def to_document(ranker: Ranker) -> dict[str, Any]:
    """The fields of ``ranker`` as JSON-ready text and numbers, from which no code is ever loaded."""
    return {**asdict(ranker), "features": list(ranker.features)}


def from_document(document: dict[str, Any]) -> Ranker:
    """The inverse of :func:`to_document`.

    Raises:
        UnreadableError: the document is no ranker.
    """
    try:
        return Ranker(**{**document, "features": tuple(document["features"])})
    except (KeyError, TypeError) as error:
        raise UnreadableError(f"is no ranker of this package ({error!r})") from error
