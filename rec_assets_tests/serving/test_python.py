"""``rec_assets.load``; without this a notebook would be told other things than the command line, or in silence."""

import doctest
import inspect
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

import rec_assets
from rec_assets.store.promoted_models import PromotedModels

COLUMNS = ["rank", "artist", "track", "score"]


@pytest.fixture(scope="module")
def model(promoted_store: Path) -> rec_assets.Model:
    from rec_assets.serving.python.model import Model

    promoted = PromotedModels(str(promoted_store)).open(2)
    report = {"k": 7, "playlists": 10, "hit_rate": 0.5, "interval": [0.2, 0.8], "popularity_hit_rate": 0.1}
    return Model(promoted, {"validation": report})


@pytest.mark.parametrize("public", [rec_assets.load, rec_assets.train], ids=lambda public: public.__name__)
def test_the_example_in_its_docstring_runs(public: Callable, trained_store: Path, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "storage").symlink_to(trained_store)
    monkeypatch.chdir(tmp_path)

    (example,) = doctest.DocTestFinder().find(public, globs={})
    assert doctest.DocTestRunner().run(example).failed == 0
    assert len(example.examples) >= 5


def test_the_package_shows_its_public_names_and_loads_what_answering_needs(trained_store: Path) -> None:
    program = (
        "import sys, rec_assets\n"
        "print(sorted({'numpy', 'pandas', 'numba', 'dagster'} & set(sys.modules)))\n"
        f"model = rec_assets.load({str(trained_store)!r})\n"
        "model.recommend(model.tracks[['artist', 'track']].values[:2], why=True)\n"
        "model.similar(*model.tracks[['artist', 'track']].values[0])\n"
        "rec_assets.train\n"
        "print(sorted({'dagster', 'gensim', 'lightgbm', 'matplotlib'} & set(sys.modules)))"
    )
    lines = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert lines.splitlines() == ["[]", "[]"]

    assert {"load", "train", "Model", "UnknownTracksError"} <= set(dir(rec_assets))
    assert all(inspect.getdoc(getattr(rec_assets, name)) for name in rec_assets.__all__)
    with pytest.raises(AttributeError, match="no attribute 'lod'; it has Model, "):
        _ = rec_assets.lod  # pyright: ignore[reportAttributeAccessIssue]


def test_load_tells_which_model_it_is_and_how_well_it_does(trained_store: Path, monkeypatch) -> None:
    monkeypatch.setenv("REC_ASSETS_STORAGE", str(trained_store))
    model = rec_assets.load()

    stored = pq.read_table(trained_store / "validation_ranks.parquet").to_pandas()
    assert (model.version, model.hit_rate) == (1, stored["rank"].notna().mean())
    (row,) = model.hit_rates.to_dict("records")
    assert row["low"] <= row["hit_rate"] <= row["high"]
    assert (row["k"], row["playlists"]) == (5, len(stored))
    assert row["popularity"] == (stored["popularity_rank"] <= 5).mean()
    assert repr(model).startswith("<rec_assets.Model version 1: ")
    with pytest.raises(rec_assets.RecAssetsError, match=r"nowhere does not exist\. Name the folder of a store"):
        rec_assets.load(trained_store / "nowhere")


def test_tracks_are_those_that_training_knows_by_how_often_it_does(trained_store: Path) -> None:
    names = pd.read_parquet(trained_store / "track_catalog.parquet").set_index("track_index")["track"]
    training = pd.read_parquet(trained_store / "train_sequences.parquet")["track_indexes"].explode()

    tracks = rec_assets.load(trained_store).tracks

    assert tracks.set_index("track")["training_count"].to_dict() == training.map(names).value_counts().to_dict()
    assert tracks["training_count"].is_monotonic_decreasing
    assert tracks.columns.tolist() == ["artist", "track", "training_count"]


def test_a_misspelt_name_is_taken_for_the_nearest_with_a_warning(model: rec_assets.Model) -> None:
    with pytest.warns(
        rec_assets.SpellingWarning, match=r"^Artsit 3 – Trakc 12: taken for Artist 3 – Track 12$"
    ) as told:
        answer = model.recommend([("Artist 4", "Track 17"), ("Artsit 3", "Trakc 12")], k=4)

    assert told[0].filename == __file__
    exact = model.recommend([("artist 4", "TRACK 17"), ("Artist 3", "Track 12")], k=4)
    pd.testing.assert_frame_equal(answer, exact)
    assert (answer.columns.tolist(), answer["rank"].tolist()) == (COLUMNS, [1, 2, 3, 4])
    assert [asked["is_exact"] for asked in answer.attrs["asked"]] == [True, False]
    assert answer.attrs["asked"][1]["taken_for"] == {"artist": "Artist 3", "track": "Track 12"}
    assert answer.attrs["version"] == 2


def test_unknown_tracks_are_refused_together_with_those_near_them(model: rec_assets.Model) -> None:
    with pytest.raises(rec_assets.UnknownTracksError) as refused:
        model.recommend([("Artist 3", "Some Else"), ("Artist 3", "Track 12"), ("qqq", "zzzzz")])

    near = refused.value.near
    assert near["qqq", "zzzzz"] == []
    assert near["Artist 3", "Some Else"][0][0] == "Artist 3"
    assert str(refused.value).startswith("no track Artist 3 – Some Else. Did you mean\n    Artist 3 – Track ")
    assert str(refused.value).endswith("no track qqq – zzzzz. Nothing is spelt like it.")


@pytest.mark.parametrize(
    ("playlist", "k", "said"),
    [
        ([("Artist 3", "Track 12")], 0, "k is 0; expected a whole number from 1 to 1,000"),
        ([("Artist 3", "Track 12")], True, "k is True"),
        ([], 1, r"no track is asked for; expected \(artist, track\) pairs"),
        ("Track 12", "Track 13", r"the playlist is 'Track 12'; expected \(artist, track\) pairs"),
        (pd.DataFrame({"artist": ["Artist 3"]}), 1, r"the playlist is a DataFrame; .*itertuples"),
        (("Artist 3", "Track 12"), 1, r"track 1 is 'Artist 3'; expected \(artist, track\) pairs"),
        ([("Artist 3", "Track 12"), ("Track 13",)], 1, r"track 2 is \('Track 13',\)"),
        ([("Artist 3", "Track 12"), (None, float("nan"))], 1, "track 2 has neither artist nor title"),
        ([(pd.NA, "")], 1, "track 1 has neither artist nor title"),
        ([{"artist": "Artist 3", "track": "Track 12"}], 1, r"track 1 is \{'artist'"),
        ({("Artist 3", "Track 12")}, 1, r"the playlist is \{.*\}, which has no order; expected"),
    ],
)
def test_what_is_no_question_is_refused_in_words(model: rec_assets.Model, playlist: Any, k: Any, said: str) -> None:
    with pytest.raises((TypeError, ValueError), match=said):
        model.recommend(playlist, k=k)


def test_rules_leave_out_what_they_name_and_take_no_name_for_another(model: rec_assets.Model) -> None:
    asked = [("Artist 3", "Track 12")]
    answer = model.recommend(asked, 30, per_artist=2, exclude={("artist 4", "Track 17")}, exclude_artists=("ARTIST 5",))

    assert answer["artist"].value_counts().max() == 2
    assert not {"Track 17", "Track 20", "Track 21"} & set(answer["track"])
    only = model.recommend(asked, only=[("Artist 9", "Track 37")], only_artists=["Artist 8"])
    assert set(only["track"]) == {"Track 32", "Track 33", "Track 34", "Track 35", "Track 37"}
    with pytest.raises(rec_assets.UnknownTracksError) as refused:
        model.recommend(asked, exclude=[("Artist 3", "Trakc 13")], only_artists=["Artist 88"])
    assert refused.value.near["Artist 3", "Trakc 13"][0] == ("Artist 3", "Track 13")
    assert ("Artist 8", None) in refused.value.near["Artist 88", None]
    assert "no artist Artist 88. Did you mean" in str(refused.value)


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"per_artist": 0}, "per_artist is 0; expected a whole number from 1 to 1,000"),
        ({"exclude_artists": "ABBA"}, r"exclude_artists is 'ABBA'; expected a list of artists, such as \[\"Artist\"\]"),
        ({"exclude": ("Artist 3", "Track 12")}, r"exclude: track 1 is 'Artist 3'; expected \(artist, track\) pairs"),
        ({"only": [("", None)]}, "only: track 1 has neither artist nor title"),
    ],
)
def test_what_is_no_rule_is_refused_in_words(model: rec_assets.Model, rules: dict[str, Any], said: str) -> None:
    with pytest.raises((TypeError, ValueError), match=said):
        model.recommend([("Artist 3", "Track 12")], **rules)


def test_a_title_alone_is_asked_for_the_most_frequent_tracks_with_a_warning(model: rec_assets.Model) -> None:
    with pytest.warns(
        rec_assets.SpellingWarning, match="^zzq: No word of the title is known. These are the most"
    ) as told:
        answer = model.recommend(title="zzq", k=4)

    assert told[0].filename == __file__
    assert answer["track"].tolist() == model.tracks["track"].head(4).tolist()
    assert answer["score"].isna().all()
    assert (answer.attrs["asked"], answer.attrs["title"]["known_words"]) == ([], [])
    assert model.recommend([("Artist 3", "Track 12")]).attrs["title"] is None
    with pytest.raises(TypeError, match="the playlist is 'Track 12'; expected"):
        model.recommend("Track 12", title="zzq")


def test_a_track_without_artist_is_asked_for_by_its_title(artistless: PromotedModels, model: rec_assets.Model) -> None:
    titles = rec_assets.Model(artistless.open(1), {})

    answers = [titles.recommend([(none, "Track 12")], k=3, why=True) for none in ("", None, np.nan, "unknown artist")]

    assert all(answer.equals(answers[0]) for answer in answers)
    assert answers[0]["artist"].isna().all()
    assert (answers[0].dtypes[COLUMNS] == model.recommend([("Artist 3", "Track 12")]).dtypes).all()
    assert titles.tracks["artist"].isna().all()
    assert (
        titles.similar("", "Track 12", k=2)["track"].tolist()
        == model.similar("Artist 3", "Track 12", 2)["track"].tolist()
    )


def test_because_says_what_speaks_for_a_track_as_http_does(model: rec_assets.Model) -> None:
    answer = model.recommend([("Artist 3", "Track 12"), ("Artist 4", "Track 17")], k=3, why=True)

    reasons = pd.json_normalize(answer.explode("because")["because"])
    assert reasons.columns.tolist() == ["artist", "track", "similarity", "playlists"]
    assert set(reasons["track"]) <= {"Track 12", "Track 17"}


def test_similar_are_the_nearest_by_input_vectors_without_the_track_itself(model: rec_assets.Model) -> None:
    from rec_assets_tests.core.promoted.small_promoted import vectors

    unit = vectors().unit_input_vectors().astype(np.float64)
    cosines = unit @ unit[12]
    nearest = [track for track in np.argsort(-cosines) if track != 12][:5]

    found = model.similar("Artist 3", "Track 12", k=5)

    assert found["track"].tolist() == [f"Track {track}" for track in nearest]
    np.testing.assert_allclose(found["similarity"], cosines[nearest], atol=1e-6)
    assert found.columns.tolist() == ["rank", "artist", "track", "similarity"]
    assert len(model.similar("Artist 3", "Track 12", k=1_000)) == len(model.tracks) - 1


def test_threads_share_a_model(model: rec_assets.Model) -> None:
    playlists = [[(f"Artist {t // 4}", f"Track {t}"), (f"Artist {t // 4}", f"Track {t // 4 * 4}")] for t in range(40)]
    alone = [model.recommend(playlist, k=5) for playlist in playlists]

    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda playlist: model.recommend(playlist, k=5), playlists))

    assert all(one.equals(other) for one, other in zip(together, alone, strict=True))
