"""The tutorial as a Metaflow flow, for timing whole processes from the shell.

The steps are prepare, train and evaluate; Metaflow wants the first and last named ``start`` and ``end``. One
process per step is the fewest Metaflow can do, which favours the tutorial over its published five steps.

    python benchmarks/tutorial_flow.py run --source cleaned.parquet

Metaflow takes the user's name from USERNAME and keeps its datastore below METAFLOW_DATASTORE_SYSROOT_LOCAL;
``benchmarks/compare.py`` sets both, the latter to a temporary folder.
"""

import json
from pathlib import Path

from metaflow import FlowSpec, Parameter, step
from tutorial import count_rows, hit_rate, open_playlists, read_sequences, split_sequences, train_vectors


class TutorialFlow(FlowSpec):
    """Playlists in a parquet file to hit rates on validation and test."""

    source = Parameter("source", required=True, help="parquet: row_id, user_id, artist, track, playlist")

    @step
    def start(self) -> None:
        """Prepares: counts, sequences, three splits."""
        with open_playlists(Path(str(self.source))) as playlists:
            self.counts = count_rows(playlists)
            self.training, self.validation, self.test = split_sequences(read_sequences(playlists))
        self.next(self.train)

    @step
    def train(self) -> None:
        """Trains the model on the training part."""
        self.vectors = train_vectors(self.training)
        self.next(self.end)

    @step
    def end(self) -> None:
        """Evaluates on both held-out parts and prints the hit rates as one JSON line."""
        self.hit_rates = {
            "validation": hit_rate(self.vectors, self.validation),
            "test": hit_rate(self.vectors, self.test),
        }
        print(json.dumps(self.hit_rates))


if __name__ == "__main__":
    TutorialFlow()
