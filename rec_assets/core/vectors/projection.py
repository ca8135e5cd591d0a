"""Tracks on a plane: two dimensions that keep what they can of the vectors, and the artists to mark."""

import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from rec_assets.core.base.errors import DataError, SettingsError
from rec_assets.core.base.one_blas_thread import one_blas_thread
from rec_assets.core.base.settings import Settings, setting
from rec_assets.core.vectors.embeddings import TrackEmbeddings


class MapMethod(Enum):
    """How tracks are laid out on a plane."""

    pca = "pca"
    umap = "umap"


TRACKS, GROUPS = 2_000, 7  # of the map; a group of tracks has one artist
NEIGHBOURS, SEED = 15, 1  # of UMAP; the first is its authors' default


class MapSettings(Settings):
    """How the map of tracks is drawn."""

    map_method: MapMethod = setting(
        MapMethod.pca,
        "Method that lays out the map of tracks in the report: pca, or umap, which needs the package's extra `maps`.",
    )


@dataclass(frozen=True)
class Projection:
    """``points`` (n, 2) float32, row i is track i of the embeddings, and what the first and second column are."""

    points: np.ndarray
    axis_labels: tuple[str, str]


def project_tracks(embeddings: TrackEmbeddings, *, method: str = "pca") -> Projection:
    """The unit input vectors of the most frequent tracks on a plane; the same vectors give the same plane.

    Args:
        embeddings: of finite vectors.
        method: ``pca``, the two directions of greatest variance (Pearson 1901), or ``umap``, which keeps
            neighbours together and whose distances mean nothing (McInnes, Healy & Melville 2018, "UMAP"). Up to
            15 tracks, or tracks that are all alike, have no neighbourhoods: they are drawn by ``pca``.

    Raises SettingsError: umap-learn is not installed; DataError: there are no embeddings.
    """
    if len(embeddings) == 0:
        raise DataError("The embeddings hold no track, so there is no map of them. Train them on more playlists.")
    vectors = np.asarray(embeddings.input_vectors[:TRACKS], np.float64)  # rows are in falling order of frequency
    vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    with one_blas_thread():
        projection = _principal_components(vectors)
        if method == "umap" and len(vectors) > NEIGHBOURS and projection.points.any():
            return Projection(_umap(vectors), ("first UMAP dimension", "second UMAP dimension"))
    return projection


def artist_groups(artists: Sequence[str | None]) -> tuple[np.ndarray, list[str]]:
    """The artists with most of the tracks shown, as groups to mark in a picture.

    ``artists`` (n,) are the name of each track's artist; None or "" is unknown and never a group. Returns (n,) int64,
    the place of the track's artist in the names, -1 = another or unknown; and up to seven names by falling number of
    tracks, ties by first appearance.
    """
    names = [name for name, _ in Counter(artist for artist in artists if artist).most_common(GROUPS)]
    place: dict[str | None, int] = {name: number for number, name in enumerate(names)}
    return np.array([place.get(artist, -1) for artist in artists], np.int64), names


def _principal_components(vectors: np.ndarray) -> Projection:
    """Both first principal components; a direction points to where its greatest coefficient is positive."""
    centred = vectors - vectors.mean(axis=0)
    variances, directions = np.linalg.eigh(centred.T @ centred / len(vectors))  # in rising order
    variances, directions = variances[::-1][:2], directions[:, ::-1][:, :2]
    greatest = np.abs(directions).argmax(axis=0)
    directions = directions * np.sign(directions[greatest, np.arange(directions.shape[1])])
    total = (centred**2).sum() / len(vectors)
    alike = total < 1e-12  # what rounding leaves of vectors that are all the same
    points, shares = np.zeros((len(vectors), 2), np.float32), np.zeros(2)
    if not alike:
        points[:, : len(variances)] = centred @ directions
        shares[: len(variances)] = variances / total
    first, second = (
        f"{place} component, {share:.0%} of the variance".replace("%", " %")
        for place, share in zip(("first", "second"), shares.clip(0, 1), strict=True)
    )
    return Projection(points, (first, second))


def _umap(vectors: np.ndarray) -> np.ndarray:
    """(n, 2) float32; one thread and a seed, so that it is the same each time on one machine."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ImportWarning)  # that Tensorflow, which it can do without, is missing
            from umap import UMAP  # pyright: ignore[reportMissingImports]  # an extra, and seconds of compiling
    except ImportError as error:
        raise SettingsError(
            "method='umap' needs the library umap-learn, which is not installed: "
            "`pip install 'rec_assets[maps]'`, or choose method='pca'."
        ) from error
    # Starting from the principal components, as the authors offer, spares a spectral start that warns where the
    # neighbourhoods fall apart into islands.
    model = UMAP(n_neighbors=NEIGHBOURS, metric="cosine", init="pca", random_state=SEED, n_jobs=1)
    return np.asarray(model.fit_transform(vectors.astype(np.float32)), np.float32)
