"""Word2Vec: training, the vectors as data, their file, and a map of them."""
