"""Ways to recommend the next track, all with one interface: histories in, the best tracks out."""
