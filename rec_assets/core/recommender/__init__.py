"""What recommends: strategies fitted once on the training playlists, asked in one way, kept in one file."""
