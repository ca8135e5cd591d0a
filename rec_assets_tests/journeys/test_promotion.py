"""Without this a model of broken data could take the place of a good one, or a refused one be promoted all the same."""

import json
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from rec_assets.core.base.errors import DataError
from rec_assets.serving.main import main
from rec_assets.store.promoted_models import PromotedModels
from rec_assets_tests.conftest import SMALL, Project, Row, made_rows, write_unescaped_csv

GATE = {
    "max_hit_rate_loss": 0.03, "max_hit_rate_shift": 0.1, "min_data_ratio": 0.8, "max_data_ratio": 3,
    "min_known_share": 0.7, "max_copied_share": 0.1, "max_hit_rate_gain": 0.15, "max_relative_loss": 0.2,
}  # fmt: skip
TO_PROMOTION = [
    "raw_playlists", "track_catalog", "playlist_sequences", "train_sequences", "validation_sequences",
    "test_sequences", "track_embeddings", "recommender", "validation_ranks", "validation_hit_rate",
    "model_leaderboard", "promotion_decision", "promoted_model", "playlist_recommendations",
]  # fmt: skip
pytestmark = pytest.mark.usefixtures("blank_pictures")

KEPT = ("promoted_model.json", "playlist_recommendations.parquet")


def retrain(project: Project, source: Path, *, damping: float = 0.25) -> dg.ExecuteInProcessResult:
    """From playlists to promotion by a strategy that needs neither vectors nor a ranker."""
    return project.materialize(
        TO_PROMOTION,
        {
            "raw_playlists": {"source": str(source)},
            "track_embeddings": {"epochs": 1, "min_count": 1, "vector_size": 8},
            "recommender": {"strategy": "item_knn", "fitted": "chosen", "k": 20, "item_knn_damping": damping},
            "promotion_decision": GATE,
            "playlist_recommendations": {"recommended_tracks": 3},
        },
        check=False,
    )


def rows() -> list[Row]:
    return made_rows(playlists=1_500, tracks=400)


def half_shuffled(good: list[Row]) -> list[Row]:
    draw = random.Random(0)
    moved = [number for number in range(len(good)) if draw.random() < 0.5]
    others = draw.sample(moved, len(moved))
    broken = list(good)
    for number, other in zip(moved, others, strict=True):
        broken[number] = (good[other][0], good[number][1], good[number][2], good[other][3])
    return broken


def swapped(good: list[Row]) -> list[Row]:
    return [(user, track, artist, playlist) for user, artist, track, playlist in good]


def copied(good: list[Row]) -> list[Row]:
    return [*good, *[("copy of " + user, *rest) for user, *rest in good]]


BROKEN: dict[str, tuple[Callable[[list[Row]], list[Row]], str]] = {
    "half the rows in other playlists": (half_shuffled, "the held-out playlists have changed"),
    "a tenth of the rows": (lambda good: good[: len(good) // 10], "0.10 times the"),
    "every playlist again under another user": (copied, "of the held-out playlists are training playlists, too"),
    "artists and tracks swapped": (swapped, "knows the track of 0.0% of the rows"),
}


@pytest.fixture(scope="module")
def two_versions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store that has two promoted versions."""
    folder = tmp_path_factory.mktemp("promotion")
    with dg.DagsterInstance.ephemeral() as instance:
        project = Project(folder, instance, write_unescaped_csv(folder / "playlists.csv", rows()))
        for damping in (0.25, 0.3):
            result = retrain(project, project.source, damping=damping)
            assert result.success
    return folder


@pytest.fixture
def promoted(two_versions: Path, tmp_path: Path) -> Iterator[Project]:
    """A copy of ``two_versions``."""
    shutil.copytree(two_versions, tmp_path, dirs_exist_ok=True)
    with dg.DagsterInstance.ephemeral() as instance:
        yield Project(tmp_path, instance, tmp_path / "playlists.csv")


def decision(project: Project) -> dict[str, Any]:
    return json.loads((project.store / "promotion_decision.json").read_text())


def kept(project: Project) -> dict[str, bytes]:
    models = project.store / "promoted_models"
    return {path.name: path.read_bytes() for path in [*(project.store / name for name in KEPT), *models.iterdir()]}


def test_a_retrain_with_another_setting_is_promoted(promoted: Project) -> None:
    found = decision(promoted)

    assert (found["promote"], found["reasons"], found["compared_with"]) == (True, [], 1)
    assert found["figures"]["compared_playlists"] == 300
    # The promoted model, asked from its file, has the hit rate that it had when it was promoted.
    assert found["figures"]["promoted_hit_rate"] == found["figures"]["promoted_hit_rate_when_promoted"] > 0.2
    assert len(found["history"]) == 2
    current = PromotedModels(str(promoted.store)).current()
    assert current is not None
    assert (current["version"], current["kept"], current["promoted_by"]) == (2, [1, 2], "gate")


@pytest.mark.parametrize("what", BROKEN)
def test_broken_data_are_refused_with_the_reason_and_nothing_promoted_changes(promoted: Project, what: str) -> None:
    damage, reason = BROKEN[what]
    before = kept(promoted)
    broken = write_unescaped_csv(promoted.folder / "broken.csv", damage(rows()))

    result = retrain(promoted, broken)

    assert not result.success
    found = decision(promoted)
    assert found["promote"] is False
    assert reason in "; ".join(found["reasons"])
    assert len(found["history"]) == 3
    (check,) = [one for one in result.get_asset_check_evaluations() if one.check_name == "candidate_may_be_promoted"]
    assert not check.passed
    assert reason in str(check.description)
    logged = [entry.user_message for entry in promoted.instance.all_logs(result.run_id)]
    assert any(message.startswith("REFUSED: version 2 stays") and reason in message for message in logged)
    with pytest.raises(DataError, match="The candidate was refused: "):
        promoted.materialize(["promoted_model"])
    assert kept(promoted) == before


def test_a_first_model_of_rows_that_the_source_has_twice_is_refused_and_its_remedies_help(project: Project) -> None:
    """Each playlist is its own first half again; 30 of them are asked for their last track."""
    good = made_rows(playlists=150, tracks=400)
    asked = {**SMALL, "k": 20, "source": str(write_unescaped_csv(project.folder / "twice.csv", [*good, *good]))}
    asked |= {"max_repeated_share": 1.0}  # or the source were refused before anything is trained

    refused = project.run_job(asked, check=False)

    assert not refused.success
    (decision,) = refused.asset_materializations_for_node("promotion_decision")
    said = " ".join(str(decision.metadata["decision"].value).replace("\\", "").split())
    assert "no model is promoted, because ranker finds 100.0% of the held-out tracks" in said
    assert "as where the source has its files or its rows twice. Remove the second copy" in said
    (check,) = [e for e in refused.get_asset_check_evaluations() if e.check_name == "more_than_repeats_is_found"]
    assert (check.passed, check.description in said) == (False, True)
    assert PromotedModels(str(project.store)).current() is None

    assert project.run_job({**asked, "may_only_repeat": True}).success
    other = Project(project.folder / "once", project.instance, project.source)
    other.folder.mkdir()
    assert other.run_job({**asked, "source": str(write_unescaped_csv(project.folder / "once.csv", good))}).success


def test_what_is_promoted_by_hand_meanwhile_makes_the_decision_void(promoted: Project) -> None:
    promoted.materialize(["promotion_decision"], {"promotion_decision": GATE})
    done = CliRunner().invoke(main, ["promote", "--storage", str(promoted.store), "1"])
    assert done.exit_code == 0, done.output
    with pytest.raises(DataError, match="compared the candidate with version 2, but version 1 is promoted now"):
        promoted.materialize(["promoted_model"])


def test_recommendations_of_an_older_model_over_newer_playlists(promoted: Project, tmp_path: Path) -> None:
    """The model has its own catalog: what it does not know is left out, with a count; so are artists of rules."""
    newer = [
        *rows(),
        *[("new", "New Artist", f"New Track {number % 3}", f"only new {number % 4}") for number in range(40)],
    ]
    source = write_unescaped_csv(tmp_path / "newer.csv", newer)
    promoted.materialize(
        ["raw_playlists", "track_catalog", "playlist_sequences"], {"raw_playlists": {"source": str(source)}}
    )

    rules = {"recommended_per_artist": 1, "recommended_exclude_artists": [rows()[0][1], "New Artist"]}
    config = {"recommended_tracks": 3, **rules}
    result = promoted.materialize(["playlist_recommendations"], {"playlist_recommendations": config})

    (event,) = result.get_asset_materialization_events()
    metadata = event.step_materialization_data.materialization.metadata
    assert metadata["unknown_entries"].value == 40
    assert metadata["answered_by_popularity"].value == 4
    assert metadata["unknown_artists_in_rules"].value == 1
    assert metadata["dagster/row_count"].value == 3 * 1_504
    found = pq.read_table(promoted.store / "playlist_recommendations.parquet").to_pandas()
    assert found.groupby(["user_id", "playlist"])["artist"].nunique().eq(3).all()
    assert rows()[0][1] not in set(found["artist"])
