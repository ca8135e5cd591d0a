"""All that uses Dagster: a room per stage, with its assets, settings and checks side by side."""
