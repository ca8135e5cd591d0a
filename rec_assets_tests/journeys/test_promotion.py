"""Retraining on good and on broken data: what is promoted, what is refused, and what stays where it was."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from click.testing import CliRunner

from rec_assets.core.base.errors import DataError
from rec_assets.defs.console import mendable_message
from rec_assets.serving.main import main
from rec_assets.store.promoted_models import PromotedModels
from rec_assets_tests.conftest import SMALL, Project, Row, made_rows, write_unescaped_csv

GATE = {
    "max_hit_rate_loss": 0.03, "max_hit_rate_shift": 0.1, "min_data_ratio": 0.8, "max_data_ratio": 3,
    "min_known_share": 0.7, "max_copied_share": 0.1, "max_hit_rate_gain": 0.15, "max_relative_loss": 0.2,
}  # fmt: skip
CONFIG = {**SMALL, "epochs": 5, "k": 20, "ranker_examples": 500, "recommended_tracks": 3}
KEPT = ("promoted_model.json", "playlist_recommendations.parquet")


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
def promoted(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A project with two promoted versions."""
    folder = tmp_path_factory.mktemp("promotion")
    with dg.DagsterInstance.ephemeral() as instance:
        project = Project(folder, instance, write_unescaped_csv(folder / "playlists.csv", rows()))
        for seed in (1, 2):
            project.run_job({**CONFIG, **GATE, "seed": seed})
        yield project


def decision(project: Project) -> dict[str, Any]:
    return json.loads((project.store / "promotion_decision.json").read_text())


def kept(project: Project) -> dict[str, bytes]:
    models = project.store / "promoted_models"
    return {path.name: path.read_bytes() for path in [*(project.store / name for name in KEPT), *models.iterdir()]}


@pytest.mark.slow
def test_a_retrain_with_another_seed_is_promoted(promoted: Project) -> None:
    found = decision(promoted)

    assert (found["promote"], found["reasons"], found["compared_with"]) == (True, [], 1)
    assert found["figures"]["compared_playlists"] == 300
    # The promoted model, asked from its file, hits what it hit when it was promoted.
    assert found["figures"]["promoted_hit_rate"] == found["figures"]["promoted_hit_rate_when_promoted"]
    assert len(found["history"]) >= 2
    current = PromotedModels(str(promoted.store)).current()
    assert current is not None
    assert (current["version"], current["kept"], current["promoted_by"]) == (2, [1, 2], "gate")


@pytest.mark.slow
@pytest.mark.parametrize("what", BROKEN)
def test_broken_data_are_refused_with_the_reason_and_nothing_promoted_changes(promoted: Project, what: str) -> None:
    damage, reason = BROKEN[what]
    before, history = kept(promoted), len(decision(promoted)["history"])
    write_unescaped_csv(promoted.folder / "broken.csv", damage(rows()))

    result = promoted.run_job({**CONFIG, **GATE, "source": str(promoted.folder / "broken.csv")}, check=False)

    assert not result.success
    found = decision(promoted)
    assert found["promote"] is False
    assert reason in "; ".join(found["reasons"])
    assert len(found["history"]) == history + 1
    (check,) = [one for one in result.get_asset_check_evaluations() if one.check_name == "candidate_may_be_promoted"]
    assert not check.passed
    assert reason in str(check.description)
    logged = [entry.user_message for entry in promoted.instance.all_logs(result.run_id)]
    assert any(message.startswith("REFUSED: version 2 stays") and reason in message for message in logged)
    assert kept(promoted) == before


@pytest.mark.slow
def test_an_empty_file_stops_the_run_before_anything_is_made(promoted: Project) -> None:
    before = kept(promoted)
    write_unescaped_csv(promoted.folder / "empty.csv", [])

    result = promoted.run_job({**CONFIG, **GATE, "source": str(promoted.folder / "empty.csv")}, check=False)

    assert not result.success
    (failure,) = [event for event in result.all_events if event.is_step_failure and event.step_key == "raw_playlists"]
    assert "empty.csv: no row after the header" in str(mendable_message(failure))
    assert kept(promoted) == before


@pytest.mark.slow
def test_a_refused_candidate_cannot_be_promoted_by_materializing_the_next_asset(promoted: Project) -> None:
    promoted.run_job(
        {**CONFIG, **GATE, "max_hit_rate_shift": 0, "max_data_ratio": 1, "min_data_ratio": 1, "sample_percent": 70},
        check=False,
    )
    assert decision(promoted)["promote"] is False

    with pytest.raises(DataError, match=r"the candidate was refused: .*of a dev run"):
        promoted.materialize(["promoted_model"])


@pytest.mark.slow
def test_what_is_promoted_by_hand_meanwhile_makes_the_decision_void(promoted: Project) -> None:
    promoted.run_job({**CONFIG, **GATE, "seed": 3})
    done = CliRunner().invoke(main, ["promote", "--storage", str(promoted.store), "2"])
    assert done.exit_code == 0, done.output

    promoted.materialize(["promotion_decision"], {"promotion_decision": GATE})
    CliRunner().invoke(main, ["promote", "--storage", str(promoted.store), "1"])
    with pytest.raises(DataError, match="compared the candidate with version 2, but version 1 is promoted now"):
        promoted.materialize(["promoted_model"])


@pytest.mark.slow
def test_recommendations_of_an_older_model_over_newer_playlists(promoted: Project, tmp_path: Path) -> None:
    """The model has its own catalog: what it does not know is left out, with a count."""
    newer = [
        *rows(),
        *[("new", "New Artist", f"New Track {number % 3}", f"only new {number % 4}") for number in range(40)],
    ]
    source = write_unescaped_csv(tmp_path / "newer.csv", newer)
    promoted.materialize(
        ["raw_playlists", "track_catalog", "playlist_sequences"], {"raw_playlists": {"source": str(source)}}
    )

    result = promoted.materialize(["playlist_recommendations"], {"playlist_recommendations": {"recommended_tracks": 3}})

    (event,) = result.get_asset_materialization_events()
    metadata = event.step_materialization_data.materialization.metadata
    assert metadata["unknown_entries"].value == 40
    assert metadata["playlists_answered_by_popularity"].value == 4
    assert metadata["dagster/row_count"].value == 3 * 1_504
