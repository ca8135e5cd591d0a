"""A store for a test, a value of each format to put there, and what damages a file."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np

from rec_assets.core.base.lineage import derive_lineage
from rec_assets.core.base.relations import Relation
from rec_assets.core.ranker.learned import Ranker
from rec_assets.core.recommender.recommender import Recommender
from rec_assets.core.report.page import HtmlPage
from rec_assets.core.vectors.embeddings import TrackEmbeddings
from rec_assets.store.asset_store import AssetStore
from rec_assets.store.duckdb import SharedDuckDB
from rec_assets_tests.core.promoted.small_promoted import fitted
from rec_assets_tests.core.ranker.planted_rankers import cycle_ranker

LINEAGE = derive_lineage("table", code_version="1", settings={"title": "Größe ' \" 名"}, inputs={})
EMBEDDINGS = TrackEmbeddings(
    track_index=np.arange(7, dtype=np.int32)[::-1],
    count=np.arange(7, dtype=np.int64) * 10**10,
    input_vectors=np.random.default_rng(0).random((7, 5), np.float32),
    output_vectors=np.random.default_rng(1).random((7, 5), np.float32),
    hyperparameters={"epochs": 3, "alpha": 0.025},
)
FIGURES = {"hit_rate": 0.1 + 0.2, "k": 10**18, "hit_rates": {"1": 0.0}, "note": "名 \u2028 \x00", "none": None}

# By the name of an asset that has it.
KINDS: dict[str, tuple[type, str]] = {
    "playlist_sequences": (Relation, ".parquet"),
    "track_embeddings": (TrackEmbeddings, ".safetensors"),
    "recommender": (Recommender, ".safetensors"),
    "track_ranker": (Ranker, ".json"),
    "test_hit_rate": (dict, ".json"),
    "recommendation_report": (HtmlPage, ".html"),
}


@contextmanager
def open_store(base: str) -> Iterator[AssetStore]:
    connection = SharedDuckDB()
    try:
        yield AssetStore(base=base, duckdb=connection)
    finally:
        connection.teardown_after_execution(dg.build_init_resource_context())


def values(store: AssetStore) -> dict[str, Any]:
    """A value of each of ``KINDS``."""
    rows = store.duckdb.connect().sql("SELECT range AS row_id, 'text ' || range AS text FROM range(1000)")
    return {
        "playlist_sequences": rows,
        "track_embeddings": EMBEDDINGS,
        "recommender": fitted(),
        "track_ranker": cycle_ranker(),
        "test_hit_rate": dict(FIGURES),
        "recommendation_report": HtmlPage("<html><body><p>名 &lt;3</p></body></html>\n"),
    }


def flip_bit(path: Path, bit: int) -> None:
    """Turn one bit of a file over, in place."""
    with path.open("r+b") as file:
        file.seek(bit // 8)
        (byte,) = file.read(1)
        file.seek(bit // 8)
        file.write(bytes([byte ^ 1 << bit % 8]))
