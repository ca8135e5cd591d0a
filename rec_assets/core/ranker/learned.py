"""LambdaMART over candidates (Burges 2010, "From RankNet to LambdaRank to LambdaMART"), by LightGBM."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from rec_assets.core.base.errors import DataError, TrainingError, UnreadableError
from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.base.one_blas_thread import one_blas_thread
from rec_assets.core.base.settings import setting
from rec_assets.core.ranker.examples import cut_examples
from rec_assets.core.ranker.features import FEATURES, candidate_features
from rec_assets.core.ranker.sources import NeighbourhoodSettings, Sources

BATCH = 128


class RankerSettings(NeighbourhoodSettings):
    """How the ranker learns (LambdaMART), and from which strategies."""

    ranker_share: float = setting(
        0.2, "Share of the training playlists on which the ranker learns; the rest fit the strategies.", gt=0, lt=1
    )
    ranker_split_seed: int = setting(7, "Seed of the split of the training playlists for the ranker.")
    ranker_trees: int = setting(100, "Boosting rounds of the ranker.", ge=1, le=10_000)
    ranker_leaves: int = setting(15, "Leaves of each tree of the ranker.", ge=2, le=1_024)
    ranker_learning_rate: float = setting(
        0.05, "Learning rate of boosting: a smaller one needs more trees.", gt=0, le=1
    )
    ranker_more_cuts: int = setting(
        3, "Places in each playlist, besides its end, from which the ranker learns the next track.", ge=0, le=100
    )
    ranker_examples: int = setting(
        20_000, "At most so many histories, each with the track that follows, teach the ranker.", ge=1, le=1_000_000
    )
    ranker_negatives: int = setting(
        200, "Candidates besides the right track that the ranker sees for each history.", ge=1, le=5_000
    )
    ranker_seed: int = setting(1, "Seed of all random draws of the ranker.", ge=0, lt=2**31)


@dataclass(frozen=True)
class Ranker:
    """A trained ranker.

    Attributes:
        model: LightGBM's text form of the trees.
        features: names of the columns that it takes.
        settings: :class:`RankerSettings` by name.
        examples: examples that it learned from.
        targets_missed: examples whose target no strategy proposed; nothing can be learned from them.
        gains: share (0..1) of each feature in the gain of all splits; all 0 if there is no split.
    """

    model: str
    features: tuple[str, ...]
    settings: dict
    examples: int
    targets_missed: int
    gains: dict[str, float]


def train_ranker(
    sources: Sources,
    playlists: FlatSequences,
    settings: RankerSettings,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Ranker:
    """Learn from playlists that none of the ``sources`` has seen.

    Args:
        sources: fitted on other playlists.
        playlists: held-aside playlists of rows.
        settings: see :class:`RankerSettings`.
        on_progress: called with examples done and all, batch by batch.

    Raises:
        DataError: no target is among its candidates, so there is nothing to learn.
    """
    examples = cut_examples(
        playlists, more_cuts=settings.ranker_more_cuts, limit=settings.ranker_examples, seed=settings.ranker_seed
    )
    features, labels, sizes = [], [], []
    for start in range(0, len(examples), BATCH):
        part = slice(start, start + BATCH)
        draw = np.random.default_rng((settings.ranker_seed, start))
        batch = _label(sources, examples.histories[part], examples.targets[part], settings.ranker_negatives, draw)
        for whole, piece in zip((features, labels, sizes), batch, strict=True):
            whole.append(piece)
        on_progress(min(start + BATCH, len(examples)), len(examples))
    found = sum(len(size) for size in sizes)
    if found == 0:
        raise DataError(
            f"the ranker has nothing to learn from: of {len(examples)} examples from {len(playlists)} playlists held "
            "aside, no strategy proposed the target. Bring more playlists, or raise ranker_share."
        )
    trees = _boost(np.concatenate(features), np.concatenate(labels), np.concatenate(sizes), settings)
    gains = trees.feature_importance("gain")
    shares = dict(zip(FEATURES, (gains / max(gains.sum(), 1e-300)).tolist(), strict=True))
    return Ranker(trees.model_to_string(), FEATURES, settings.as_dict(), found, len(examples) - found, shares)


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


def _boost(features: np.ndarray, labels: np.ndarray, sizes: np.ndarray, settings: RankerSettings) -> Any:
    lightgbm = import_lightgbm()
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
        return lightgbm.train(parameters, data, num_boost_round=settings.ranker_trees)
    except lightgbm.basic.LightGBMError as error:
        raise TrainingError(
            f"LightGBM cannot learn from {len(labels)} candidates of {len(sizes)} examples ({error}). Raise "
            "ranker_examples or ranker_negatives, or bring more playlists."
        ) from error


def import_lightgbm() -> Any:
    """LightGBM, which takes a second to import.

    Raises:
        TrainingError: the system has no OpenMP runtime, which LightGBM's wheel does not bring.
    """
    try:
        import lightgbm
    except OSError as error:
        raise TrainingError(f"LightGBM cannot be loaded ({error}). On Debian: apt-get install libgomp1") from error
    return lightgbm


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
