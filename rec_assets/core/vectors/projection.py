"""Tracks on a plane: two dimensions that keep what they can of the vectors, and the artists to mark."""

import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
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


METHODS = tuple(method.value for method in MapMethod)
NEIGHBOURS, SEED = 15, 1  # of UMAP; the first is its authors' default


class MapSettings(Settings):
    """How the map of tracks is drawn."""

    map_method: MapMethod = setting(
        MapMethod.pca, "How the report lays out the map of tracks: pca, or umap, which needs the extra `maps`."
    )


@dataclass(frozen=True)
class Projection:
    """Where tracks stand on a plane.

    Attributes:
        points: (n, 2) float32, row i is track i of the embeddings.
        axis_labels: what the first and the second column are.
    """

    points: np.ndarray
    axis_labels: tuple[str, str]


def project_tracks(embeddings: TrackEmbeddings, *, tracks: int = 2_000, method: str = "pca") -> Projection:
    """The unit input vectors of the most frequent tracks on a plane; the same vectors give the same plane.

    Args:
        embeddings: of finite vectors (see :meth:`~rec_assets.core.vectors.embeddings.TrackEmbeddings.count_broken`).
        tracks: how many, at least 1; a smaller vocabulary is drawn whole.
        method: ``pca``, the two directions of greatest variance (Pearson 1901), or ``umap``, which keeps
            neighbours together and says nothing by its distances (McInnes, Healy & Melville 2018, "UMAP"). Up to
            15 tracks, or tracks that are all alike, have no neighbourhoods: they are drawn by ``pca``.

    Raises:
        SettingsError: ``tracks`` is below 1, there is no such ``method``, or umap-learn is not installed.
        DataError: there are no embeddings.
    """
    if tracks < 1 or method not in METHODS:
        raise SettingsError(
            f"tracks={tracks}, method={method!r}: expected at least 1 track and one of {', '.join(METHODS)}."
        )
    if len(embeddings) == 0:
        raise DataError("The embeddings hold no track, so there is no map of them. Train them on more playlists.")
    vectors = _first_unit_vectors(embeddings, tracks)
    with one_blas_thread():
        projection = _principal_components(vectors)
        if method == "umap" and len(vectors) > NEIGHBOURS and projection.points.any():
            return Projection(_umap(vectors), ("first UMAP dimension", "second UMAP dimension"))
    return projection


def artist_groups(artists: np.ndarray, *, groups: int = 7) -> tuple[np.ndarray, list[str]]:
    """The artists with most of the tracks shown, as groups to mark in a picture.

    Args:
        artists: (n,) object, the name of each track's artist; None, or anything else that is no text, is unknown
            and never a group.
        groups: at most how many.

    Returns:
        (n,) int64, the place of the track's artist in the names, -1 = another or unknown; and the names by falling
        number of tracks, ties by first appearance. There are none if no artist is known.
    """
    known = [artist for artist in artists if isinstance(artist, str) and artist]
    names = [name for name, _ in Counter(known).most_common(groups)]
    place = {name: number for number, name in enumerate(names)}
    codes = [place.get(artist, -1) if isinstance(artist, str) else -1 for artist in artists]
    return np.array(codes, np.int64), names


def _first_unit_vectors(embeddings: TrackEmbeddings, tracks: int) -> np.ndarray:
    """(at most ``tracks``, d) float64; rows of embeddings are in falling order of frequency."""
    vectors = np.asarray(embeddings.input_vectors[:tracks], np.float64)
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.finfo(np.float32).tiny)


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
        with _no_import_warnings():
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


@contextmanager
def _no_import_warnings() -> Iterator[None]:
    """Keeps umap from warning that it can do without Tensorflow."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ImportWarning)
        yield
