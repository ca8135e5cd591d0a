"""The loop over what is recommended, compiled by numba."""

import numpy as np

from rec_assets.core.base.compiled import compiled


@compiled
def first_spellings(
    answers: tuple[np.ndarray, np.ndarray], own: tuple[np.ndarray, np.ndarray, np.ndarray], most: int
) -> np.ndarray:
    """(m, most) places of the answers that stay, in their order; -1 = no more.

    Of answers of one spelling only the first stays, and none that is spelt like another track of its history.

    Args:
        answers: (m, a) tracks, best first, below 0 = none; and (m, a) their spellings.
        own: tracks of the histories, their spellings, and (m + 1,) where those of each history begin.
        most: how many of each history's answers stay at most.
    """
    (tracks, spelt), (heard, heard_spelt, offsets) = answers, own
    kept = np.full((len(tracks), most), -1, np.int64)
    for asked in range(len(tracks)):
        count = 0
        for place in range(tracks.shape[1]):
            if count == most:
                break
            track, spelling, is_alike = tracks[asked, place], spelt[asked, place], False
            for step in range(offsets[asked], offsets[asked + 1]):
                if heard[step] == track:  # a repeat, which the strategy means
                    is_alike = False
                    break
                is_alike |= heard_spelt[step] == spelling
            for before in kept[asked, :count]:
                is_alike |= spelt[asked, before] == spelling
            if track >= 0 and not is_alike:
                kept[asked, count] = place
                count += 1
    return kept
