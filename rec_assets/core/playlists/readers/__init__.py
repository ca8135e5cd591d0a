"""Reading playlists as people really have them."""
