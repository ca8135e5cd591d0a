"""One list for one history; without this what people are recommended could be another than what was measured.

No two tracks are spelt alike here: readers leave such out, the measurement does not.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from click.testing import CliRunner

import rec_assets
from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.base.relations import Relation, read_table
from rec_assets.core.evaluation import ranking
from rec_assets.core.evaluation.comparison import rank_held_out
from rec_assets.core.promoted.batch import RecommendationsSettings, recommend_to_all
from rec_assets.core.recommender.recommender import open_recommender
from rec_assets.core.strategies.answers import NO_TRACK
from rec_assets.serving.main import main
from rec_assets.store.promoted_models import PromotedModels
from rec_assets_tests.conftest import SMALL
from rec_assets_tests.serving.serving_process import served

Names = list[tuple[str, str]]


def named(rows: list[dict[str, Any]]) -> Names:
    return [(row["artist"], row["track"]) for row in rows]


def measured(store: Path, held_out: FlatSequences, catalog: Relation, monkeypatch: pytest.MonkeyPatch) -> list[Names]:
    """The lists in which the targets are looked for, and so found at the places that validation_ranks has."""
    lists: dict[int, np.ndarray] = {}

    def recommend(*asked: Any, **settings: Any) -> Iterator[tuple[Any, Any]]:
        for place, answers in real(*asked, **settings):
            lists.update(zip(np.arange(len(held_out))[place].tolist(), answers.rows, strict=True))
            yield place, answers

    real = ranking.recommend
    recommender, _, _ = open_recommender(store / "recommender.safetensors")
    with monkeypatch.context() as patch:
        patch.setattr(ranking, "recommend", recommend)
        ranks = rank_held_out(recommender, held_out).rank.tolist()
    stored = read_table(duckdb.connect(), store / "validation_ranks.parquet")
    assert ranks == [rank or 0 for (rank,) in stored.select("rank").fetchall()]
    assert any(ranks)
    names = {index: (artist, track) for index, artist, track in catalog.select("track_index, artist, track").fetchall()}
    own = recommender.tracks.track_index
    return [[names[int(own[row])] for row in lists[place] if row != NO_TRACK] for place in range(len(held_out))]


def test_each_reader_gives_a_validation_history_the_list_by_which_its_rank_was_found(
    trained_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = duckdb.connect()
    sequences, catalog = (
        read_table(connection, trained_store / f"{name}.parquet") for name in ("validation_sequences", "track_catalog")
    )
    held_out = FlatSequences.from_relation(sequences)
    expected = measured(trained_store, held_out, catalog, monkeypatch)
    k = len(expected[0])
    names = dict(catalog.select("track_index, struct_pack(artist, track)").fetchall())
    histories = [named([names[track] for track in held_out.tracks_of(one)[:-1].tolist()]) for one in range(12)]
    assert (len(held_out), k) == (12, 5)

    with served(trained_store) as client:
        for history, answer in zip(histories, expected, strict=True):
            pairs = [pair for artist, track in history for pair in (("artist", artist), ("track", track))]
            by_http = client.get("/recommend", params=[*pairs, ("k", str(k))]).json()
            assert all(asked["is_exact"] for asked in by_http["asked"])
            assert named(by_http["recommendations"]) == answer

            words = ["recommend", "--storage", str(trained_store), "-k", str(k), "--json", *sum(history, ())]
            by_command = json.loads(CliRunner().invoke(main, words).stdout)
            assert named(by_command["recommendations"]) == answer

    # From the same rows in memory comes the same model.
    rows = pd.read_parquet(trained_store / "raw_playlists.parquet")
    loaded, trained = rec_assets.load(trained_store), rec_assets.train(rows, **SMALL)
    for history, answer in zip(histories, expected, strict=True):
        in_python = loaded.recommend(history, k=k, why=True)
        assert named(in_python.to_dict("records")) == answer
        pd.testing.assert_frame_equal(trained.recommend(history, k=k, why=True), in_python)
    assert trained.hit_rate == loaded.hit_rate
    stored = json.loads((trained_store / "test_hit_rate.json").read_text())
    assert trained.hit_rates.loc["test", "hit_rate"] == stored["hit_rate"]
    pd.testing.assert_frame_equal(trained.tracks, loaded.tracks)
    pd.testing.assert_frame_equal(trained.similar(*histories[0][0]), loaded.similar(*histories[0][0]))

    model = PromotedModels(str(trained_store)).open_current()
    known = model.recommender.tracks.rows(held_out).histories()
    playlists = sequences.select("user_id", "playlist").to_arrow_table()
    to_all = recommend_to_all(model, known, playlists, depth=k).read_all().to_pylist()
    for playlist, answer in zip(playlists["playlist"].to_pylist(), expected, strict=True):
        assert named([row for row in to_all if row["playlist"] == playlist]) == answer


def test_each_reader_obeys_the_same_rules_and_says_the_same_of_a_title(trained_store: Path) -> None:
    loaded = rec_assets.load(trained_store)
    history = [(row["artist"], row["track"]) for row in loaded.tracks.tail(2).to_dict("records")]
    free = named(loaded.recommend(history, k=9).to_dict("records"))
    (first, _), *_ = free
    unwanted = next(pair for pair in free if pair[0] != first)
    title, note = "zzq", "No word of the title is known. The tracks alone are answered."
    tracks = [{"artist": artist, "track": track} for artist, track in history]
    left_out = {"artist": unwanted[0].upper(), "track": unwanted[1]}
    rules = {"per_artist": 1, "exclude_artists": [first], "exclude": [left_out]}

    with pytest.warns(rec_assets.SpellingWarning, match=f"^zzq: {note}$"):
        in_python = loaded.recommend(history, 9, title=title, **{**rules, "exclude": [tuple(left_out.values())]})
    answer = named(in_python.to_dict("records"))
    artists = [artist for artist, _ in answer]
    assert len(answer) == len(set(artists))
    assert first not in artists
    assert unwanted not in answer

    with served(trained_store) as client:
        posted = client.post("/recommend", json={"tracks": tracks, "k": 9, "title": title, **rules}).json()
        pairs = [item for track in tracks for item in track.items()]
        params = [*pairs, ("k", "9"), ("title", title), ("per_artist", "1"), ("exclude_artist", first)]
        by_address = client.get("/recommend", params=params).json()
    words = ["recommend", "--storage", str(trained_store), "-k", "9", "--json", "--title", title, *sum(history, ())]
    words += ["--per-artist", "1", "--exclude-artist", first]
    by_command = CliRunner().invoke(main, [*words, "--exclude", *left_out.values()])

    assert named(posted["recommendations"]) == answer
    assert posted["title"] == in_python.attrs["title"] == {"asked": title, "known_words": [], "note": note}
    assert (json.loads(by_command.stdout), by_command.stderr) == (posted, f"{note}\n")
    # An address has no tracks to leave out.
    without = loaded.recommend(history, 9, **{**rules, "exclude": []})
    assert named(by_address["recommendations"]) == named(without.to_dict("records"))
    assert json.loads(CliRunner().invoke(main, words).stdout) == by_address

    model = PromotedModels(str(trained_store)).open_current()
    own = RecommendationsSettings(recommended_per_artist=1, recommended_exclude_artists=[first]).rules(model.names)
    asked = [model.names.find(*pair).track or 0 for pair in history]
    rows = FlatSequences(np.arange(1), model.recommender.tracks.row_of[asked], np.array([0, len(asked)]))
    playlists = pa.table({"user_id": ["u"], "playlist": ["p"]})
    to_all = recommend_to_all(model, rows, playlists, depth=9, rules=own.rules).read_all().to_pylist()
    assert named(to_all) == named(by_address["recommendations"])
