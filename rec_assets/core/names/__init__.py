"""Finds tracks by artist and name, however they are spelt, in arrays that are mapped from a file."""
