"""Without these, a map could show other tracks than the most frequent, mirrored from run to run, or none at all."""

import sys

import numpy as np
import pytest

from rec_assets.core.base.errors import DataError, SettingsError
from rec_assets.core.pictures.track_map import plot_track_map
from rec_assets.core.vectors import projection as projecting
from rec_assets.core.vectors.projection import artist_groups, project_tracks
from rec_assets_tests.core.small_models import embeddings_of


def random_vectors(tracks: int, dimensions: int) -> np.ndarray:
    spread = np.linspace(2, 0.5, dimensions)
    return np.random.default_rng(3).normal(0.3, 1, (tracks, dimensions)) * spread


def test_points_and_shares_are_those_of_a_singular_value_decomposition():
    vectors = random_vectors(200, 12)
    projection = project_tracks(embeddings_of(vectors))
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    left, singular, _ = np.linalg.svd(unit - unit.mean(axis=0), full_matrices=False)
    expected = (left * singular)[:, :2]
    signs = np.sign((expected * projection.points).sum(axis=0))
    assert projection.points.dtype == np.float32
    np.testing.assert_allclose(projection.points, expected * signs, atol=1e-5)
    shares = singular**2 / (singular**2).sum()
    assert projection.axis_labels == (
        f"first component, {shares[0] * 100:.0f} % of the variance",
        f"second component, {shares[1] * 100:.0f} % of the variance",
    )


def test_signs_do_not_depend_on_the_order_of_the_tracks():
    vectors = random_vectors(50, 6)
    forwards = project_tracks(embeddings_of(vectors)).points
    backwards = project_tracks(embeddings_of(vectors[::-1])).points
    np.testing.assert_allclose(forwards, backwards[::-1], atol=1e-6)
    np.testing.assert_array_equal(forwards, project_tracks(embeddings_of(vectors)).points)


def test_only_the_most_frequent_tracks_count(monkeypatch):
    vectors = random_vectors(50, 6)
    monkeypatch.setattr(projecting, "TRACKS", 20)
    projection = project_tracks(embeddings_of(vectors))
    np.testing.assert_array_equal(projection.points, project_tracks(embeddings_of(vectors[:20])).points)


def test_the_length_of_a_vector_does_not_count():
    vectors = random_vectors(30, 5)
    longer = vectors * np.arange(1, 31)[:, None]
    expected = project_tracks(embeddings_of(vectors)).points
    np.testing.assert_allclose(project_tracks(embeddings_of(longer)).points, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("vectors", "shares"),
    [
        (np.array([[2.0], [-3.0], [1.0]]), (100, 0)),
        (np.array([[1.0, 2.0, 3.0]]), (0, 0)),
        (np.full((40, 8), 0.1), (0, 0)),
        (np.zeros((4, 3)), (0, 0)),
        (np.array([[1.0, 0.0], [0.0, 1.0]]), (100, 0)),
    ],
    ids=["one dimension", "one track", "all alike", "all zero", "two tracks"],
)
def test_degenerate_vectors_still_make_a_picture(vectors, shares):
    projection = project_tracks(embeddings_of(vectors))
    assert projection.points.shape == (len(vectors), 2)
    assert np.isfinite(projection.points).all()
    assert [label.split(", ")[1] for label in projection.axis_labels] == [f"{s} % of the variance" for s in shares]
    by_umap = project_tracks(embeddings_of(vectors), method="umap")
    np.testing.assert_array_equal(by_umap.points, projection.points)
    codes, names = artist_groups([None] * len(vectors))
    assert plot_track_map(projection.points, codes, names, axis_labels=projection.axis_labels, title="map")


@pytest.mark.slow
def test_umap_keeps_neighbours_together_and_repeats_itself():
    """Twenty seconds of compiling; nothing more is asserted of where UMAP puts a track: that hangs on the processor."""
    pytest.importorskip("umap.umap_", reason="needs the extra `maps`", exc_type=ImportError)
    vectors = np.concatenate([random_vectors(40, 8) * 0.2 + 5 * np.eye(8)[side] for side in (0, 1)])
    projection = project_tracks(embeddings_of(vectors), method="umap")
    np.testing.assert_array_equal(projection.points, project_tracks(embeddings_of(vectors), method="umap").points)
    assert projection.axis_labels == ("first UMAP dimension", "second UMAP dimension")
    distances = np.linalg.norm(projection.points[:, None] - projection.points[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    is_second = np.arange(80) >= 40
    assert (is_second[distances.argmin(axis=1)] == is_second).mean() > 0.9


def test_without_umap_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(SettingsError, match=r"pip install 'rec_assets\[maps\]'"):
        project_tracks(embeddings_of(random_vectors(30, 4)), method="umap")


def test_no_track_is_refused():
    with pytest.raises(DataError, match="no track"):
        project_tracks(embeddings_of(np.zeros((0, 4))))


def test_groups_are_the_artists_with_most_tracks_ties_by_first_appearance(monkeypatch):
    monkeypatch.setattr(projecting, "GROUPS", 2)
    codes, names = artist_groups(["b", "a", None, "c", "a", None, None, "", "c"])
    assert names == ["a", "c"]
    assert codes.tolist() == [-1, 0, -1, 1, 0, -1, -1, -1, 1]


def test_without_known_artists_there_is_no_group():
    codes, names = artist_groups([None, None])
    assert (codes.tolist(), codes.dtype, names) == ([-1, -1], np.int64, [])
