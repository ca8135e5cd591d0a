"""From playlist files to a catalog, sequences, and training, validation and test parts."""
