"""The ranker: LambdaMART over candidates (Burges 2010, "From RankNet to LambdaRank to LambdaMART"), by LightGBM."""

import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from rec_assets.core.base.errors import TrainingError, UnreadableError
from rec_assets.core.ranker.examples import Labelled
from rec_assets.core.ranker.settings import RankerSettings
from rec_assets.core.ranker.sources import FEATURES

# Of so few examples LambdaMART learns chance: in three synthetic worlds of 100 to 1,200 examples it found up to a point
# less @k than trees of five leaves that tell targets from other candidates (benchmarks/worlds.py).
_FEW_EXAMPLES, _LEAVES_OF_FEW = 2_000, 5


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


def parameters_of(examples: Labelled, settings: RankerSettings) -> dict[str, Any]:
    """How LightGBM learns from these ``examples``."""
    few = len(examples.sizes) < _FEW_EXAMPLES
    return {
        **({"objective": "binary"} if few else {"objective": "lambdarank", "lambdarank_truncation_level": 100}),
        "num_leaves": min(settings.ranker_leaves, _LEAVES_OF_FEW) if few else settings.ranker_leaves,
        "learning_rate": settings.ranker_learning_rate,
        "min_data_in_leaf": min(50, max(1, len(examples.is_target) // 100)),
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


def boost(examples: Labelled, settings: RankerSettings, on_tree: Callable[[int], None]) -> Any:
    """LightGBM's trees; ``on_tree`` is called with how many are done.

    Raises TrainingError: LightGBM cannot be loaded, or cannot learn.
    """
    # Its threads would keep their cores busy while they wait: with other work on two cores 20,000 rows took 7.5 to
    # 9.2 s instead of 2.0. It is read when the library is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    try:
        import lightgbm  # a second
    except OSError as error:  # its wheel does not bring OpenMP
        raise TrainingError(f"LightGBM cannot be loaded ({error}). On Debian: apt-get install libgomp1") from error
    parameters = parameters_of(examples, settings)
    data = lightgbm.Dataset(
        examples.features,
        examples.is_target,
        group=examples.sizes if parameters["objective"] == "lambdarank" else None,
        feature_name=list(FEATURES),
        params=parameters,
    )
    try:
        return lightgbm.train(
            parameters,
            data,
            num_boost_round=settings.ranker_trees,
            callbacks=[lambda environment: on_tree(environment.iteration + 1)],
        )
    except lightgbm.basic.LightGBMError as error:
        raise TrainingError(
            f"LightGBM cannot learn from {len(examples.is_target)} candidates of {len(examples.sizes)} examples "
            f"({error}). Raise ranker_examples or ranker_negatives, or bring more playlists."
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
