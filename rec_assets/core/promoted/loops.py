"""The loop over what is recommended, compiled by numba."""

import numpy as np

from rec_assets.core.base.compiled import compiled


@compiled
def first_allowed(
    answers: tuple[np.ndarray, np.ndarray],
    popular: tuple[np.ndarray, np.ndarray],
    own: tuple[np.ndarray, np.ndarray, np.ndarray],
    rules: tuple[np.ndarray, int, np.uint64, bool],
    most: int,
) -> np.ndarray:
    """(m, most) places of what stays, in order: a + p places of first the answers, then what is popular; -1 = no more.

    Of one spelling only the first stays, and none that is spelt like a track of its history, but that track itself,
    where it may be repeated.

    Args:
        answers: (m, a) tracks, best first, below 0 = none; and (m, a) their spellings, the artist in the upper half.
        popular: (p,) tracks, and their spellings, that come after the answers of each history.
        own: tracks of the histories, their spellings, and (m + 1,) where those of each history begin.
        rules: (t,) whether a track may stay; how many of one artist stay at most; the artist that is none; and
            whether tracks of a history may stay.
        most: how many of each history's answers stay at most.
    """
    (tracks, spelt), (others, others_spelt), (heard, heard_spelt, offsets) = answers, popular, own
    allowed, per_artist, nameless, repeats = rules
    kept = np.full((len(tracks), most), -1, np.int64)
    kept_spelt = np.empty(most, np.uint64)
    width = tracks.shape[1]
    for asked in range(len(tracks)):
        count = 0
        for place in range(width + len(others)):
            if count == most:
                break
            track = tracks[asked, place] if place < width else others[place - width]
            if track < 0 or not allowed[track]:
                continue
            spelling = spelt[asked, place] if place < width else others_spelt[place - width]
            artist = spelling >> np.uint64(32)
            stays, of_artist = True, 0
            for before in kept_spelt[:count]:
                stays &= before != spelling
                of_artist += before >> np.uint64(32) == artist
            if not stays or (of_artist >= per_artist and artist != nameless):
                continue
            for step in range(offsets[asked], offsets[asked + 1]):
                if heard[step] == track:  # a repeat, which the strategy means
                    stays = repeats
                    break
                stays &= heard_spelt[step] != spelling
            if stays:
                kept[asked, count] = place
                kept_spelt[count] = spelling
                count += 1
    return kept
