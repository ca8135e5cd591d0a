"""The size and the seed of the shipped sample; apart from the generator, so that nothing heavy is imported."""

SAMPLE_ROWS = 70_000
SAMPLE_SEED = 7
