"""Makes playlist data of any size: invented users, artists, tracks and playlists, with planted structure.

Nothing here comes from real listeners or real music. The shape follows the public #nowplaying file: sizes,
long tail, one name ("Starred") with a tenth of the rows, and its awkward rows. What a model can learn is
planted: a *scene* is a group of artists of one genre and mood, a playlist keeps to a few scenes, stays in
one for some tracks, and plays an artist's tracks in runs.

Every draw is a hash of the seed and of what is drawn for (user, playlist, row), so a seed gives the same
rows whatever the library versions and the batch size.

The sample in ``data/`` is made by ``rec-assets make-playlists data/synthetic_playlists.csv.gz``.
"""

SAMPLE_ROWS = 70_000
SAMPLE_SEED = 7
