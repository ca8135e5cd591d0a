"""Rows to sequences, sequences to train, validation and test parts."""
