"""Boosted trees as flat arrays, which answer without LightGBM's library and several times as fast as it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rec_assets.core.base.errors import StoreError
from rec_assets.core.base.read_only import read_only

# Bits of LightGBM's decision_type; a missing type of 2 means that NaN goes where the second bit says.
_CATEGORICAL, _DEFAULT_LEFT, _MISSING_SHIFT, _IS_NAN = 1, 2, 2, 2


@dataclass(frozen=True)
class Forest:
    """Trees of ``n`` inner nodes and ``l`` leaves in all.

    A child is a node, or, where it is negative, the leaf ``-1 - child``.

    Attributes:
        roots: (t,) int32 the first child of each tree.
        feature: (n,) int32 the column that a node looks at.
        threshold: (n,) float64; up to it a value goes left.
        nan_goes_left: (n,) bool.
        left, right: (n,) int32 children.
        leaves: (l,) float64 what each leaf adds to the score.
    """

    roots: np.ndarray
    feature: np.ndarray
    threshold: np.ndarray
    nan_goes_left: np.ndarray
    left: np.ndarray
    right: np.ndarray
    leaves: np.ndarray

    @classmethod
    def parse(cls, text: str) -> "Forest":
        """The trees of a LightGBM model's ``text``.

        Raises:
            StoreError: the text is no model, or has splits that the ranker never makes.
        """
        nodes, leaves = 0, 0
        columns: dict[str, list[np.ndarray]] = {name: [] for name in cls.__dataclass_fields__}
        try:
            for tree in _trees(text):
                own = {name: _numbers(tree[name]) for name in _FIELDS if tree.get(name)}
                values, splits = _numbers(tree["leaf_value"]), len(own.get("threshold", ()))
                if len(values) != splits + 1:
                    raise ValueError(f"{splits} splits and {len(values)} leaves")
                columns["leaves"].append(values)
                columns["roots"].append(np.array([nodes if splits else -1 - leaves]))
                if splits:
                    _add(columns, own, nodes, leaves)
                nodes, leaves = nodes + splits, leaves + len(values)
            if not leaves:
                raise ValueError("no tree")
        except (KeyError, ValueError) as error:
            raise StoreError(f"The stored ranker is no model ({error}). Materialize track_ranker again.") from error
        kinds = {"threshold": np.float64, "leaves": np.float64, "nan_goes_left": np.bool_}
        return cls(
            **{
                name: np.concatenate([np.empty(0), *parts]).astype(kinds.get(name, np.int32))
                for name, parts in columns.items()
            }
        )

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "Forest":
        """The inverse of :meth:`arrays`."""
        return cls(**{name: arrays[name] for name in cls.__dataclass_fields__})

    def arrays(self) -> dict[str, np.ndarray]:
        """All arrays by name."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    def predict(self, features: np.ndarray) -> np.ndarray:
        """(c,) float32 scores of ``features`` (c, f) float32, those of ``lightgbm.Booster.predict``."""
        from rec_assets.core.ranker import forest_loops

        starts, leaves, masks = self._layout
        tests = read_only(self.feature), self._limits, read_only(self.nan_goes_left)
        return forest_loops.predict(features, starts, tests, masks, leaves)

    @cached_property
    def _layout(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """See :func:`.forest_loops.lay_out`."""
        from rec_assets.core.ranker import forest_loops

        return forest_loops.lay_out(*map(read_only, (self.roots, self.left, self.right, self.leaves)))

    @cached_property
    def _limits(self) -> np.ndarray:
        """(n,) float32: features are no finer, and up to the next lower one the same of them go left."""
        nearest = self.threshold.astype(np.float32)
        return np.where(nearest > self.threshold, np.nextafter(nearest, np.float32(-np.inf)), nearest)


_FIELDS = ("split_feature", "threshold", "decision_type", "left_child", "right_child")


def _trees(text: str) -> Iterator[dict[str, str]]:
    """The lines ``name=value`` of each tree."""
    for block in text.partition("end of trees")[0].split("\nTree=")[1:]:
        yield dict(line.split("=", 1) for line in block.splitlines() if "=" in line)


def _numbers(text: str) -> np.ndarray:
    return np.array(text.split(), np.float64)


def _add(columns: dict[str, list[np.ndarray]], own: dict[str, np.ndarray], nodes: int, leaves: int) -> None:
    """Puts the splits of one tree behind the ``nodes`` and ``leaves`` of those before it."""
    decision = own["decision_type"].astype(np.int64)
    if (decision & _CATEGORICAL).any() or (decision >> _MISSING_SHIFT == 1).any():
        raise ValueError("it splits by categories, or takes 0 for missing")
    # Where no value was missing in training, LightGBM takes NaN for 0.
    as_zero = own["threshold"] >= 0
    left = np.where(decision >> _MISSING_SHIFT == _IS_NAN, decision & _DEFAULT_LEFT, as_zero)
    columns["nan_goes_left"].append(left)
    columns["feature"].append(own["split_feature"])
    columns["threshold"].append(own["threshold"])
    for side in ("left", "right"):
        child = own[f"{side}_child"]
        columns[side].append(np.where(child >= 0, child + nodes, child - leaves))
