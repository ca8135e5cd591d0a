"""The ranker: LambdaMART over candidates (Burges 2010, "From RankNet to LambdaRank to LambdaMART"), by LightGBM.

The strategies that propose are fitted on some of the training playlists, and the ranker learns from the others how to
order what they propose: each part in turn (cross-fitting; Wolpert 1992, "Stacked generalization").
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import chain
from typing import Any

import numpy as np

from rec_assets.core.base.errors import DataError, TrainingError, UnreadableError
from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.base.relations import Relation
from rec_assets.core.base.settings import setting
from rec_assets.core.playlists.splits import split_sequences
from rec_assets.core.ranker.examples import Labelled, cut_examples, labelled
from rec_assets.core.ranker.sources import FEATURES, NeighbourhoodSettings, Sources
from rec_assets.core.strategies.tracks import Tracks
from rec_assets.core.vectors.embeddings import TrackEmbeddings

FEWEST_FOLDS = 2
# Of so few examples LambdaMART learns chance: in three synthetic worlds of 100 to 1,200 examples it found up to a point
# less @k than trees of five leaves that tell targets from other candidates (benchmarks/worlds.py).
_FEW_EXAMPLES, _LEAVES_OF_FEW = 2_000, 5
OnProgress = Callable[[str, int, int], None]


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
    ranker_examples: int = setting(
        20_000,
        "Number of examples, at most, that the ranker learns from: the beginning of a playlist with the track that "
        "follows.",
        ge=1,
        le=1_000_000,
    )
    ranker_negatives: int = setting(
        50,
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


def learn_by_cross_fitting(
    train_sequences: Relation,
    artists: np.ndarray,
    settings: RankerSettings,
    train: Callable[[FlatSequences], TrackEmbeddings],
    on_fitted: Callable[[int], None] = lambda playlists: None,
    on_progress: OnProgress = lambda what, done, total: None,
) -> Ranker:
    """Learn from each part of ``train_sequences`` how to order what strategies propose that are fitted on the others.

    Part by part, until there are ``ranker_examples``: many playlists have them in the first one.

    Takes ``user_id, playlist, track_indexes, length``, and (t,) ``artists`` by track index. ``train`` gets the
    playlists for the strategies and must not know the others; ``on_fitted`` is called with their number when these are
    fitted.

    Raises:
        DataError: there is nothing to learn.
        TrainingError: the vectors are not finite, or LightGBM cannot learn.
    """
    return gather_examples(train_sequences, artists, settings, train, on_fitted, on_progress).learn()


def gather_examples(
    train_sequences: Relation,
    artists: np.ndarray,
    settings: RankerSettings,
    train: Callable[[FlatSequences], TrackEmbeddings],
    on_fitted: Callable[[int], None] = lambda playlists: None,
    on_progress: OnProgress = lambda what, done, total: None,
) -> "ExamplePool":
    """What :func:`learn_by_cross_fitting` learns from; takes and raises what that does, but needs no LightGBM."""
    playlists = split_for_ranker(train_sequences, settings)
    pool = ExamplePool(settings, on_progress)
    for others, part in folds(playlists, settings.ranker_folds):
        embeddings = train(others)
        embeddings.require_finite()
        tracks = Tracks.count_in(others, artists)
        sources = Sources.fit(tracks, tracks.rows(others), embeddings, settings)
        on_fitted(len(others))
        pool.add(sources, tracks.rows(part))
        del sources  # a gigabyte at full size, which neither the next ones nor the trees need
        if pool.is_full:
            break
    return pool


def split_for_ranker(train_sequences: Relation, settings: RankerSettings) -> FlatSequences:
    """The training playlists in the order of a seeded hash of each, in which they are cut into parts.

    Raises:
        DataError: there is none.
    """
    seed = settings.ranker_split_seed
    whole = split_sequences(train_sequences, shares={"all": 1.0}, seed=seed, purpose="ranker")["all"]
    return FlatSequences.from_relation(whole)


def folds(playlists: FlatSequences, number: int) -> Iterator[tuple[FlatSequences, FlatSequences]]:
    """All other playlists, and each of ``number`` parts of like size; fewer where there are not so many playlists.

    Raises:
        DataError: there are not two playlists.
    """
    if len(playlists) < FEWEST_FOLDS:
        raise DataError(
            f"{len(playlists)} training playlists cannot be cut into {FEWEST_FOLDS} parts. Bring more playlists."
        )
    every = np.arange(len(playlists))
    for part in np.array_split(every, min(number, len(playlists))):
        yield playlists.at(np.setdiff1d(every, part, assume_unique=True)), playlists.at(part)


def train_ranker(
    sources: Sources,
    playlists: FlatSequences,
    settings: RankerSettings,
    on_progress: OnProgress = lambda what, done, total: None,
) -> Ranker:
    """Learn from ``playlists`` of rows that none of the ``sources`` has seen. Raises as :meth:`ExamplePool.learn`."""
    pool = ExamplePool(settings, on_progress)
    pool.add(sources, playlists)
    return pool.learn()


class ExamplePool:
    """Examples, gathered from one part of the playlists after the other, until there are enough.

    ``on_progress`` is called with what is counted ("examples", then "trees"), how many are done and how many to do.

    Attributes:
        parts: batches of each part of the playlists.
    """

    def __init__(self, settings: RankerSettings, on_progress: OnProgress) -> None:
        self.settings, self.on_progress = settings, on_progress
        self.parts: list[list[Labelled]] = []
        self._tried = self._playlists = 0

    @property
    def is_full(self) -> bool:
        """Whether there are as many as the settings ask for."""
        return self._tried >= self.settings.ranker_examples

    def add(self, sources: Sources, playlists: FlatSequences) -> None:
        """Examples from ``playlists`` of rows that none of the ``sources`` has seen."""
        settings, seed = self.settings, (self.settings.ranker_seed, len(self.parts))
        room = settings.ranker_examples - self._tried
        examples = cut_examples(playlists, more_cuts=settings.ranker_more_cuts, limit=room, seed=seed)
        own = labelled(
            sources,
            examples,
            negatives=settings.ranker_negatives,
            seed=seed,
            on_progress=lambda done, total: self.on_progress("examples", done, total),
        )
        self.parts.append(own)
        self._tried += len(examples.targets)
        self._playlists += len(playlists)

    def learn(self) -> Ranker:
        """The ranker that these examples teach, which are gone then.

        Raises:
            DataError: no target is among its candidates, or like all of them, so there is nothing to learn.
            TrainingError: LightGBM cannot be loaded, or cannot learn.
        """
        batches = list(chain.from_iterable(self.parts))
        self.parts.clear()
        found = sum(len(batch.sizes) for batch in batches)
        if found == 0:
            raise DataError(
                f"the ranker has nothing to learn from: of {self._tried} examples from {self._playlists} playlists, "
                "no strategy proposed the target. Bring more playlists."
            )
        trees = _boost(
            Labelled.joined(batches),
            self.settings,
            lambda done: self.on_progress("trees", done, self.settings.ranker_trees),
        )
        gains = trees.feature_importance("gain")
        if not gains.any():
            raise DataError(
                f"the ranker has nothing to learn from: nothing tells the targets of {found} examples from the other "
                "candidates. Bring more playlists."
            )
        shares = dict(zip(FEATURES, (gains / gains.sum()).tolist(), strict=True))
        missed = self._tried - found
        return Ranker(trees.model_to_string(), FEATURES, self.settings.as_dict(), found, missed, shares)


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


def _boost(examples: Labelled, settings: RankerSettings, on_tree: Callable[[int], None]) -> Any:
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
