"""Examples of a ranker, gathered from one part of the playlists after the other, and what they teach."""

from collections.abc import Callable
from itertools import chain

from rec_assets.core.base.errors import DataError
from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.ranker.examples import Labelled, cut_examples, labelled
from rec_assets.core.ranker.learned import Ranker, boost
from rec_assets.core.ranker.settings import RankerSettings
from rec_assets.core.ranker.sources import FEATURES, Sources

OnProgress = Callable[[str, int, int], None]


class ExamplePool:
    """Examples, until there are enough.

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
        trees = boost(
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
