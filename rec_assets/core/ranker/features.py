"""What the ranker knows of a candidate."""

import numpy as np

from rec_assets.core.base.artists import UNKNOWN_ARTIST
from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.ranker.sources import PROPOSED, Candidates, Sources
from rec_assets.core.strategies.artist_affinity import ArtistAffinity
from rec_assets.core.strategies.sparse import entries
from rec_assets.core.strategies.tracks import Tracks

_SCORED = [name for name in PROPOSED if name != "popularity"]
FEATURES = (
    *(f"{name}_score" for name in _SCORED),
    *(f"{name}_place" for name in _SCORED),
    "log_count",
    "artist_share",
    "is_last_artist",
    "artist_is_known",
    "times_in_history",
    "steps_since",
    "history_length",
    "distinct_share",
    "artists_per_track",
    "same_artist_share",
    "last_log_count",
)


def candidate_features(sources: Sources, histories: FlatSequences, candidates: Candidates) -> np.ndarray:
    """(c, len(FEATURES)) float32; NaN where there is nothing to say, which trees can split by.

    A score is compared with the source's best for the same history: as a share of it, or, for products of
    vectors, which may be negative, as the distance to it. Places are logarithms.
    """
    columns: dict[str, np.ndarray] = {}
    for number, name in enumerate(sources.strategies):
        best = candidates.best[candidates.history, number]
        scores = candidates.scores[:, number]
        columns[f"{name}_score"] = best - scores if name == "track_vectors" else scores / _above_zero(best)
        columns[f"{name}_place"] = np.log(candidates.places[:, number])
    columns |= _of_history(sources.tracks, histories, candidates)
    columns |= _of_artist(sources, histories, candidates)
    columns |= _of_repeats(sources.tracks, histories, candidates)
    return np.column_stack([columns[name].astype(np.float32) for name in FEATURES])


def _above_zero(best: np.ndarray) -> np.ndarray:
    return np.where(best > 0, best, np.nan)


def _of_history(tracks: Tracks, histories: FlatSequences, candidates: Candidates) -> dict[str, np.ndarray]:
    lengths = histories.lengths()
    owner = histories.owners()

    def distinct(values: np.ndarray) -> np.ndarray:
        pairs = np.unique(owner * (len(tracks) + 1) + values)
        return np.bincount(pairs // (len(tracks) + 1), minlength=len(histories)) / lengths

    artist = tracks.artist[histories.values]
    goes_on = (owner[1:] == owner[:-1]) & (artist[1:] == artist[:-1]) & (artist[1:] != UNKNOWN_ARTIST)
    same_artist = np.bincount(owner[1:][goes_on], minlength=len(histories)) / np.maximum(lengths - 1, 1)
    return {
        "log_count": np.log1p(tracks.count[candidates.rows]),
        "history_length": lengths[candidates.history],
        "distinct_share": distinct(histories.values)[candidates.history],
        "artists_per_track": distinct(artist + 1)[candidates.history],
        "same_artist_share": same_artist[candidates.history],
        "last_log_count": np.log1p(tracks.count[histories.from_the_end(0)])[candidates.history],
    }


def _of_artist(sources: Sources, histories: FlatSequences, candidates: Candidates) -> dict[str, np.ndarray]:
    tracks = sources.tracks
    artist = tracks.artist[candidates.rows]
    known = artist != UNKNOWN_ARTIST
    affinity = sources.strategies["artist_affinity"]
    assert isinstance(affinity, ArtistAffinity)  # noqa: S101 - for the type checker; Sources makes it so
    share = np.full(len(artist), np.nan)
    share[known] = entries(affinity.affinity(histories), candidates.history[known], artist[known])
    last = tracks.artist[histories.from_the_end(0)][candidates.history]
    return {"artist_share": share, "is_last_artist": known & (artist == last), "artist_is_known": known}


def _of_repeats(tracks: Tracks, histories: FlatSequences, candidates: Candidates) -> dict[str, np.ndarray]:
    """How often the candidate stands in the history, and how many steps ago at last: 1 = it is the last track."""
    width = len(tracks)
    lengths = histories.lengths()
    owner = histories.owners()
    back = np.repeat(histories.offsets[1:], lengths) - np.arange(len(histories.values))
    keys = owner * width + histories.values
    # In order of steps, so that the first of a key is the latest.
    order = np.lexsort((back, keys))
    held, first, times = np.unique(keys[order], return_index=True, return_counts=True)
    wanted = candidates.history * width + candidates.rows
    place = np.minimum(np.searchsorted(held, wanted), len(held) - 1)
    repeated = held[place] == wanted
    return {
        "times_in_history": np.where(repeated, times[place], 0),
        "steps_since": np.where(repeated, back[order][first[place]], np.nan),
    }
