"""Without these, the quick ways of drawing resamples could differ from the textbook's, or fill the memory."""

import tracemalloc
from math import sqrt

import numpy as np
import pytest

from rec_assets.core.evaluation.metrics import bootstrap_interval, hit_rate_interval, hits, reciprocal_ranks, resampling

DRAW = np.random.default_rng(7)
RANKS = np.where(DRAW.random(1_000) < 0.3, DRAW.integers(1, 101, 1_000), 0)
WAYS = pytest.mark.parametrize("cost", [0, 10**9], ids=["by count", "by index"])


def by_index(values: np.ndarray, resamples: int) -> np.ndarray:
    """The means of resamples as the textbook draws them: whole samples, one by one."""
    draw = np.random.default_rng(99)
    return np.array([values[draw.integers(len(values), size=len(values))].mean() for _ in range(resamples)])


def middle(means: np.ndarray, level: float = 0.95) -> list[float]:
    return np.quantile(means, [(1 - level) / 2, (1 + level) / 2]).tolist()


def test_the_binomial_draw_of_hits_is_distributed_as_resamples_of_playlists() -> None:
    drawn = by_index(hits(RANKS, k=50), 20_000)

    # A standard deviation is 11 hits; the two agree to one.
    for level in (0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95):
        interval = hit_rate_interval(RANKS, k=50, level=level, resamples=20_000)
        assert [interval.low, interval.high] == pytest.approx(middle(drawn, level), abs=1.001 / len(RANKS))


@WAYS
def test_both_ways_of_drawing_agree_with_resamples_of_playlists(monkeypatch: pytest.MonkeyPatch, cost: int) -> None:
    monkeypatch.setattr(resampling, "COUNT_COST", cost)
    values = reciprocal_ranks(RANKS, k=100)
    means = resampling.resampled_means(values, resamples=10_000, draw=np.random.default_rng(0))
    expected = by_index(values, 10_000)

    deviation = values.std() / sqrt(len(values))
    assert means.mean() == pytest.approx(values.mean(), abs=4 * deviation / sqrt(10_000))
    assert means.std() == pytest.approx(deviation, rel=0.03)
    assert middle(means) == pytest.approx(middle(expected), abs=0.15 * deviation)


@WAYS
@pytest.mark.parametrize("cells", [1, 7_000, 10**9])
def test_drawing_in_chunks_changes_no_draw(monkeypatch: pytest.MonkeyPatch, cost: int, cells: int) -> None:
    def means() -> list[float]:
        return resampling.resampled_means(RANKS, resamples=101, draw=np.random.default_rng(0)).tolist()

    monkeypatch.setattr(resampling, "COUNT_COST", cost)
    expected = means()
    monkeypatch.setattr(resampling, "CHUNK_CELLS", cells)

    assert len(expected) == 101
    assert means() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("distinct", [100, 70_000])
def test_memory_stays_bounded_at_full_size(distinct: int) -> None:
    values = np.arange(70_000) % distinct / distinct
    tracemalloc.start()
    bootstrap_interval(values, resamples=100)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 32e6  # 100 resamples of 70,000 indexes at once would be 56 MB, and as much again for the values
