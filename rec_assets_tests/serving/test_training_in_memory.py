"""``rec_assets.train``; without this a DataFrame would be read otherwise than a file, or a wrong setting be ignored."""

import logging
import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

import rec_assets
from rec_assets.core.base.errors import DataError, SettingsError, SourceError
from rec_assets.defs.flat_config import parse_flat
from rec_assets.defs.jobs import TrainingSettings
from rec_assets.serving.python import training
from rec_assets_tests.conftest import made_rows

SMALL: dict[str, Any] = {"strategy": "item_knn", "min_count": 1, "k": 5}
FRAME = pd.DataFrame(made_rows(), columns=["user", "artist", "track", "playlist"])
ASKED = [("Artist 3", "Track 10"), ("Artist 3", "Track 11")]


def answers(frame: pd.DataFrame, asked: list[tuple[str, str]] = ASKED, **settings: Any) -> list[str]:
    return rec_assets.train(frame, **{**SMALL, **settings}).recommend(asked, k=5)["track"].tolist()


@pytest.fixture(scope="module")
def expected() -> list[str]:
    return answers(FRAME)


@pytest.mark.parametrize(
    "frame",
    [
        FRAME.rename(columns=dict(zip(FRAME, ["User ID", "artistname", "Track Name", "pid"], strict=True))),
        FRAME.astype("category").assign(notes=[{1, "a"}] * len(FRAME)),
        FRAME.set_index(["playlist", "user"]),
        FRAME.iloc[np.arange(len(FRAME))[::-1]].assign(row_id=np.arange(len(FRAME))[::-1]),
        FRAME.groupby(["user", "playlist"], as_index=False).agg(list),
    ],
    ids=["other names", "categories beside what is no text", "an index", "another order", "lists"],
)
def test_a_frame_is_read_as_a_file_is(frame: pd.DataFrame, expected: list[str]) -> None:
    assert answers(frame) == expected


def test_a_list_of_tracks_beside_the_name_of_the_playlist_is_read_and_the_name_is_not() -> None:
    lists = FRAME.groupby(["user", "playlist"]).agg(list).reset_index(drop=True)
    frame = lists.assign(pid=range(len(lists)))
    assert answers(frame.assign(name="Rock")) == answers(frame)


def test_user_and_artist_may_be_missing_and_items_be_numbers() -> None:
    named, alone = FRAME[["playlist", "artist", "track"]], FRAME[["playlist", "track"]]
    expected = answers(named)
    assert answers(alone, [("", "Track 10"), ("", "Track 11")]) == expected
    numbers = alone.assign(track=alone["track"].str.removeprefix("Track ").astype(float))
    assert answers(numbers, [("", "10"), ("", "11")]) == [name.removeprefix("Track ") for name in expected]


def test_the_same_rows_and_seed_give_the_same_model_and_progress_is_quiet(caplog, capfd) -> None:
    asked = {"strategy": "track_vectors", "min_count": 1, "k": 5, "epochs": 2, "vector_size": 8}
    with caplog.at_level(logging.INFO, "rec_assets.train"):
        models = [rec_assets.train(FRAME, **asked, seed=seed) for seed in (1, 1, 2)]
    one, same, other = (model.similar("Artist 3", "Track 10") for model in models)

    pd.testing.assert_frame_equal(one, same)
    assert not one["similarity"].equals(other["similarity"])
    assert models[0].version is None
    assert repr(models[0]).startswith("<rec_assets.Model trained in memory: track_vectors, hit rate@5 0.")
    assert models[0].hit_rates.index.tolist() == ["validation", "test"]
    assert [record.getMessage() for record in caplog.records][:2] == [
        "60 of 60 playlists are used",
        "vectors: epoch 2 of 2, 100% done",
    ]
    assert capfd.readouterr() == ("", "")


def test_rejects_and_what_a_small_library_changes_are_warnings(caplog) -> None:
    frame = FRAME.copy()
    frame.loc[7, ["artist", "track"]] = None
    rec_assets.train(frame, strategy="item_knn", min_count=1, max_reject_share=0.5)

    rejects, lowered = (record.getMessage() for record in caplog.records if record.levelname == "WARNING")
    assert rejects == (
        f"1 of {len(frame)} rows are rejects, and left out: 1 x neither artist nor track (first: frame line 8)."
    )
    assert lowered.startswith("k is lowered from 100 to ")


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (FRAME.iloc[:0], "`frame` has no rows; expected one for each track of a playlist, in order."),
        (FRAME[["user", "track"]], "`frame` has no column for `playlist`; it has 'user', 'track'."),
        (FRAME.assign(other="a").set_axis([*FRAME, "track"], axis=1), "`frame` has more than one column 'track'"),
        (FRAME.set_axis(range(4), axis=1), "`frame` has numbers in place of names of columns: 0, 1, 2, 3. Say what"),
        (FRAME.assign(artist=None, track=None), f"{len(FRAME)} of {len(FRAME)} rows of `frame` cannot be used"),
        (FRAME.head(9), "playlists are left, and 3 are needed"),
    ],
    ids=["no rows", "no playlists", "a column twice", "numbers for names", "no tracks", "too few"],
)
def test_what_cannot_be_trained_on_is_refused(frame: pd.DataFrame, said: str) -> None:
    with pytest.raises((SourceError, DataError), match=re.escape(said)):
        rec_assets.train(frame, **SMALL)


def test_the_advice_of_a_refusal_is_right(expected: list[str]) -> None:
    named = FRAME.rename(columns={"track": "Trakcname"})
    with pytest.raises(SourceError, match=r"`frame` has no column for `track`") as refused:
        rec_assets.train(named, **SMALL)
    advised = re.search(r"set `(columns: .*?)`", str(refused.value), re.IGNORECASE)
    assert advised
    assert answers(named, **yaml.safe_load(advised[1])) == expected

    frame = FRAME.astype({"track": object})
    frame.loc[0, "track"] = 7
    with pytest.raises(SourceError, match=r"column 'track' holds values of several types \(int, str\)") as refused:
        rec_assets.train(frame, **SMALL)
    code = str(refused.value).partition("Convert it: ")[2].removesuffix(".")
    exec(code, {"frame": frame})  # the sentence of the error
    assert answers(frame)


def test_a_frame_is_split_by_time_only_where_a_column_of_times_is_named() -> None:
    frame = FRAME.assign(day=pd.date_range("2024-01-01", periods=len(FRAME)))
    with pytest.raises(DataError, match="Set `order: COLUMN`"):
        answers(frame, split="time")
    assert answers(frame, split="time", order="day")


@pytest.mark.parametrize(
    "wrong",
    [{"epoch": 2}, {"epochs": "many", "k": 0}, {"strategy": "rankre"}, {"train_share": 0.9}, {"sg": True}],
    ids=lambda wrong: " ".join(wrong),
)
def test_a_wrong_setting_is_refused_with_the_sentence_of_training_job(wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingsError) as of_job:
        parse_flat(TrainingSettings, wrong)
    with pytest.raises(SettingsError) as own:
        rec_assets.train(FRAME, **wrong)
    assert str(own.value) == str(of_job.value)


def test_what_says_nothing_of_a_frame_is_refused_and_nothing_else_than_a_frame_is_read() -> None:
    with pytest.raises(
        SettingsError, match=r"`delimiter` is a setting of files, and train reads a DataFrame\. Leave it"
    ):
        rec_assets.train(FRAME, delimiter="comma")
    with pytest.raises(TypeError, match="frame is of type list; expected a pandas DataFrame"):
        rec_assets.train([("a", "b")])  # pyright: ignore[reportArgumentType]


def test_only_what_the_strategy_needs_is_trained_and_similar_says_what_it_needs(monkeypatch) -> None:
    trained = []
    real = training.train_word2vec
    monkeypatch.setattr(training, "train_word2vec", lambda *asked: trained.append(1) or real(*asked))
    model = rec_assets.train(FRAME, **SMALL)
    assert not trained

    with pytest.raises(DataError, match="strategy item_knn takes none") as refused:
        model.similar("Artist 3", "Track 10")
    for advised in re.findall(r"`(\w+: \w+)`", str(refused.value)):
        asked = {**SMALL, "epochs": 1, "vector_size": 4, **yaml.safe_load(advised)}
        assert len(rec_assets.train(FRAME, **asked).similar("Artist 3", "Track 10", k=3)) == 3

    rare = pd.concat([FRAME, FRAME.head(6).assign(playlist="rare", track=[f"Rare {n}" for n in range(6)])])
    model = rec_assets.train(rare, strategy="track_vectors", epochs=1, vector_size=4, k=5)
    with pytest.raises(DataError, match=r"Rare 0 has no vector: it occurs \d times in the training playlists"):
        model.similar(FRAME["artist"][0], "Rare 0")
