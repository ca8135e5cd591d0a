"""Without this a candidate could get the figures of another track, of numbers that small examples never reach."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from rec_assets.core.strategies.place_loops import place_of, table_for, write_places

LARGEST = 2**31 - 1
TRACKS = st.lists(st.integers(0, 40) | st.integers(LARGEST - 40, LARGEST) | st.integers(0, LARGEST), max_size=80)


@settings(deadline=None)  # it is compiled at the first call
@given(TRACKS, TRACKS)
def test_each_track_has_its_last_place_and_others_have_none(rows: list[int], others: list[int]) -> None:
    table = table_for(np.array([0, len(rows), len(rows) + 3]))
    write_places(np.array(others[: len(rows)], np.int32), table)  # of the history before
    write_places(np.array(rows, np.int32), table)

    expected = {track: place for place, track in enumerate(rows)}
    for track in [*rows, *others, -1]:
        assert place_of(table, track) == expected.get(track, -1)
