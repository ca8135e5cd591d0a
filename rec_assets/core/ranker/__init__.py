"""The final ranker: candidates of every strategy, put in order by what held-aside training playlists teach."""
