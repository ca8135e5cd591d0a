"""Without this the tutorial's job could drift from the tutorial: other rows, other splits, another search, more steps.

On a real file, where it is at hand.
"""

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from rec_assets.core.vectors.embeddings import load_keyed_vectors, open_embeddings
from rec_assets_tests.conftest import Project

SPINE = {
    "raw_playlists", "track_catalog", "playlist_sequences", "split_sequences", "track_embeddings", "recommender",
    "validation_ranks", "validation_hit_rate", "test_ranks", "test_hit_rate",
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.usefixtures("blank_pictures")
def test_the_tutorials_job_gives_the_tutorials_figures_by_the_spine_alone(project: Project, radio: Path) -> None:
    result = project.run_job({"source": str(radio)}, job="tutorial_job")

    rate = json.loads((project.store / "validation_hit_rate.json").read_text())["hit_rate"]
    assert 0.165 <= rate <= 0.205
    made = result.get_asset_materialization_events()
    assert {event.step_key for event in made} == SPINE
    found = {event.asset_key.path[-1]: event.step_materialization_data.materialization.metadata for event in made}
    counts = ("rows", "playlists", "rejects")
    assert [found["raw_playlists"][name].value for name in counts] == [190_649, 18_139, 0]
    counts = ("dagster/row_count", "artists", "rows_without_track")
    assert [found["track_catalog"][name].value for name in counts] == [9_669, 3_292, 11]
    sizes = [
        found[f"{part}_sequences"]["dagster/row_count"].value for part in ("playlist", "train", "validation", "test")
    ]
    assert sizes == [10_434, 7_303, 2_087, 1_044]
    check_parity_with_gensim(project)


def check_parity_with_gensim(project: Project) -> None:
    """Every warm query of validation: ours and most_similar's agree on hit or miss, ties at the border aside."""
    embeddings = open_embeddings(project.store / "track_embeddings.safetensors")
    vectors = load_keyed_vectors(project.store / "track_embeddings.safetensors")
    ranks = pq.read_table(project.store / "validation_ranks.parquet").to_pylist()
    warm = [row for row in ranks if not row["query_is_cold"]]
    unit = embeddings.unit_input_vectors()
    row_of = {int(track): row for row, track in enumerate(embeddings.track_index)}
    differing, ties = [], 0
    for row in warm:
        nearest = vectors.most_similar(row["query_track"], topn=100)
        theirs = row["target_track"] in [track for track, _ in nearest]
        if theirs != (row["rank"] is not None):
            differing.append(row)
            if row["target_track"] in row_of:
                cosine = unit[row_of[row["query_track"]]] @ unit[row_of[row["target_track"]]]
                ties += bool(np.isclose(cosine, nearest[-1][1], atol=1e-6))
    assert len(warm) > 1_900
    assert len(differing) == ties, f"{len(differing)} of {len(warm)} differ, {ties} of them ties"
