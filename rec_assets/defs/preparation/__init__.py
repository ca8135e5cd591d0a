"""Rows to sequences, sequences to train, validation and test parts."""

from rec_assets.defs.preparation.playlist_sequences import PlaylistSequencesConfig, playlist_sequences
from rec_assets.defs.preparation.split_sequences import SplitConfig, split_sequences, splits_are_disjoint_and_complete
from rec_assets.defs.shared.room import Room

PREPARATION = Room(
    "preparation",
    [playlist_sequences, split_sequences],
    {"playlist_sequences": PlaylistSequencesConfig, "split_sequences": SplitConfig},
    [splits_are_disjoint_and_complete],
)
