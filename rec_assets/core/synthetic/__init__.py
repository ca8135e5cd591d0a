"""Makes playlist data of any size: invented users, artists, tracks and playlists, with planted structure.

Nothing here comes from real listeners or real music; ``data/README.md`` describes the shape and what can be learned.
Every draw is a hash of the seed and of what is drawn for (user, playlist, row), so a seed gives the same rows whatever
the library versions and the batch size.
"""

SAMPLE_ROWS = 70_000
SAMPLE_SEED = 7
