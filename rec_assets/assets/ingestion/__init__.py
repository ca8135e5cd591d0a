"""Playlist files to one clean table, and a number for each track."""
