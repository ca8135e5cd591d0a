"""Versions tell what a value was made from, and the UI marks as stale what no longer follows from its inputs."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus
from dagster._core.loader import LoadingContextForTest
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import ModuleTarget
from dagster_graphql.cli import execute_query

from rec_assets.core.base.errors import DataError
from rec_assets_tests.conftest import SMALL, Project, made_rows, write_unescaped_csv

SPLITS = ["train_sequences", "validation_sequences", "test_sequences"]
RANKS = ["validation_ranks", "test_ranks"]
HIT_RATES = ["validation_hit_rate", "test_hit_rate"]
RANKER_PARTS = ["base_sequences", "ranker_sequences"]
COMPARED = ["model_leaderboard", "strategy_ranks", "example_recommendations"]
ASKED = [*RANKS, *COMPARED]
FROM_RANKS = [*HIT_RATES, "validation_slices"]
REPORT = "recommendation_report"
AFTER_EMBEDDINGS = [*ASKED, *FROM_RANKS, REPORT]
TRAINED = ["track_embeddings", "base_embeddings", "track_ranker"]
AFTER_SEQUENCES = [*SPLITS, *RANKER_PARTS, *TRAINED, *AFTER_EMBEDDINGS]
EVERYTHING = ["raw_playlists", "track_catalog", "playlist_sequences", *AFTER_SEQUENCES]
DEV = {**SMALL, "sample_percent": 50}


def keys() -> dict[str, dg.AssetKey]:
    return {name: dg.AssetKey(name) for name in EVERYTHING}


def versions(project: Project) -> dict[str, str]:
    """The version of each asset as Dagster has it, which must be the one in its file."""
    found = {}
    for name, key in keys().items():
        event = project.instance.get_latest_materialization_event(key)
        assert event is not None
        assert event.asset_materialization is not None
        tags = event.asset_materialization.tags or {}
        found[name] = tags["dagster/data_version"]
        assert event.asset_materialization.metadata["lineage"].value["data_version"] == found[name], name
    return found


def stale(project: Project) -> set[str]:
    """What the UI marks as stale: it asks this resolver."""
    resolver = CachingStaleStatusResolver(
        project.instance, project.definitions.resolve_asset_graph(), LoadingContextForTest(project.instance)
    )
    return {name for name, key in keys().items() if resolver.get_status(key) == StaleStatus.STALE}


def marked_dev(project: Project) -> set[str]:
    """Assets whose version carries the dev mark; their metadata must say the same."""
    found = {name for name, version in versions(project).items() if version.startswith("dev")}
    for name, key in keys().items():
        event = project.instance.get_latest_materialization_event(key)
        metadata = event.asset_materialization.metadata
        assert metadata["dev_run"].value == (name in found), name
        assert (metadata["sample_percent"].value < 100) == (name in found), name
    return found


def changed(before: Mapping[str, str], after: Mapping[str, str]) -> set[str]:
    return {name for name in before if before[name] != after[name]}


def steps(project: Project, config: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The flat config of a job, as config of the steps that take it."""
    ops = project.definitions.resolve_job_def("training_job").config_mapping.resolve_from_validated_config(
        {"source": str(project.source), **config}
    )["ops"]
    return {name: step["config"] for name, step in ops.items()}


def rematerialize(project: Project, assets: list[str], config: Mapping[str, Any] = SMALL) -> None:
    project.materialize(assets, steps(project, config))


def test_the_same_config_twice_gives_the_same_versions(project: Project) -> None:
    project.run_job()
    first = versions(project)
    project.run_job()

    assert versions(project) == first
    assert stale(project) == set()


def test_every_asset_has_a_version_of_its_own(project: Project) -> None:
    project.run_job()
    found = versions(project)

    assert len({found[name] for name in SPLITS}) == 3
    assert len(set(found.values())) == len(EVERYTHING)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"epochs": 3}, [*TRAINED, *AFTER_EMBEDDINGS]),
        ({"reproducible": False, "workers": 1}, [*TRAINED, *AFTER_EMBEDDINGS]),
        ({"min_tracks": 4}, ["playlist_sequences", *AFTER_SEQUENCES]),
        ({"sample_seed": 1}, ["playlist_sequences", *AFTER_SEQUENCES]),
        ({"split_seed": 1}, AFTER_SEQUENCES),
        ({"ranker_trees": 7}, ["track_ranker", *AFTER_EMBEDDINGS]),
        ({"ranker_split_seed": 8}, [*RANKER_PARTS, "base_embeddings", "track_ranker", *AFTER_EMBEDDINGS]),
        ({"strategy": "playlist_knn"}, AFTER_EMBEDDINGS),
        ({"map_method": "umap"}, [REPORT]),
        ({"k": 4}, AFTER_EMBEDDINGS),
        ({"cold_query_seed": 1}, AFTER_EMBEDDINGS),
        ({"max_reject_share": 0.5}, []),
    ],
)
def test_a_setting_changes_the_version_of_its_asset_and_of_what_follows(
    project: Project, settings: dict[str, Any], expected: list[str]
) -> None:
    project.run_job()
    before = versions(project)
    project.run_job({**SMALL, **settings})

    assert changed(before, versions(project)) == set(expected)
    assert stale(project) == set()


def test_the_same_data_elsewhere_has_the_same_version_and_other_data_another(project: Project, tmp_path: Path) -> None:
    project.run_job()
    before = versions(project)

    project.source = project.source.rename(tmp_path / "moved.csv")
    project.run_job()
    assert versions(project) == before

    write_unescaped_csv(project.source, [*made_rows(), ("user", "Artist", "One row more", "list")])
    rematerialize(project, ["raw_playlists"])
    assert changed(before, versions(project)) == {"raw_playlists"}
    assert stale(project) == {"track_catalog", "playlist_sequences"}


def test_other_settings_of_one_asset_make_its_children_stale_and_no_other(project: Project) -> None:
    project.run_job()
    rematerialize(project, ["track_embeddings"], {**SMALL, "epochs": 3})
    assert stale(project) == {*ASKED, REPORT}

    rematerialize(project, ["track_embeddings"])
    assert stale(project) == set(), "the settings of before give the version of before"


def test_full_sequences_on_a_dev_run_leave_the_splits_stale_and_the_mark_moves_on(project: Project) -> None:
    project.run_job(DEV, job="dev_training_job")
    assert stale(project) == set()
    assert marked_dev(project) == {"playlist_sequences", *AFTER_SEQUENCES}

    dev_left = {"playlist_sequences", *AFTER_SEQUENCES}
    for assets, then_stale in [
        (["playlist_sequences"], SPLITS),
        (SPLITS, ["track_embeddings", *RANKER_PARTS, *ASKED]),
        (RANKER_PARTS, [*TRAINED, *ASKED]),
        (["base_embeddings"], ["track_embeddings", "track_ranker", *ASKED]),
        (["track_ranker"], ["track_embeddings", *ASKED]),
        (["track_embeddings"], [*ASKED, REPORT]),
        (RANKS, [*FROM_RANKS, *COMPARED, REPORT]),
        (FROM_RANKS, [*COMPARED, REPORT]),
        (COMPARED, [REPORT]),
        ([REPORT], []),
    ]:
        rematerialize(project, assets)
        dev_left -= set(assets)
        assert stale(project) == set(then_stale), assets
        assert marked_dev(project) == dev_left, assets
    assert dev_left == set()

    undisturbed = Project(project.folder / "full", project.instance, project.source)
    before = versions(project)
    undisturbed.run_job()
    assert versions(undisturbed) == before, "as if there had been no dev run"
    # The dev job promotes nothing, and no file of a full run says that there was one before.
    files = undisturbed.files()
    assert {name: files[name] for name in project.files()} == project.files()


def test_a_model_trained_again_on_a_sample_stays_marked(project: Project) -> None:
    project.run_job(DEV, job="dev_training_job")
    rematerialize(project, ["track_embeddings"], {**SMALL, "epochs": 4})

    assert versions(project)["track_embeddings"].startswith("dev50-")
    assert "track_embeddings" in marked_dev(project)
    rematerialize(project, [*RANKS, *HIT_RATES])
    report = json.loads((project.store / "test_hit_rate.json").read_text())
    assert (report["dev_run"], report["sample_percent"]) == (True, 50)


def test_another_history_over_the_same_store_gives_the_same_versions(project: Project) -> None:
    project.run_job()
    before = versions(project)
    with dg.DagsterInstance.ephemeral() as instance:
        elsewhere = Project(project.folder, instance, project.source)
        rematerialize(elsewhere, AFTER_EMBEDDINGS)
        for name in AFTER_EMBEDDINGS:
            event = instance.get_latest_materialization_event(dg.AssetKey(name))
            assert event.asset_materialization.tags["dagster/data_version"] == before[name]


def test_a_dev_sample_in_the_store_is_seen_by_another_history(project: Project) -> None:
    project.run_job(DEV, job="dev_training_job")
    with dg.DagsterInstance.ephemeral() as instance:
        elsewhere = Project(project.folder, instance, project.source)
        rematerialize(elsewhere, ["track_embeddings"])
        event = instance.get_latest_materialization_event(dg.AssetKey("track_embeddings"))
        assert event.asset_materialization.tags["dagster/data_version"].startswith("dev50-")


@pytest.mark.parametrize(
    ("renewed", "refused", "told"),
    [
        # The catalog numbers other tracks than those that the sequences would look up.
        (["raw_playlists"], ["playlist_sequences"], "track_catalog was made from raw_playlists"),
        # A model of the old catalog, asked with the numbers of the new one.
        (["raw_playlists", "track_catalog", "playlist_sequences", *SPLITS], ["test_ranks"], "playlist_sequences"),
        # A model that has seen other training playlists than the split that is on disk.
        (["playlist_sequences", *SPLITS], ["validation_ranks"], "playlist_sequences"),
    ],
)
def test_inputs_that_do_not_belong_together_are_refused(
    project: Project, tmp_path: Path, renewed: list[str], refused: list[str], told: str
) -> None:
    project.run_job()
    other = write_unescaped_csv(tmp_path / "other.csv", made_rows(seed=1))
    before = project.files()
    project.materialize(renewed, {**steps(project, {**SMALL, "source": str(other), "min_tracks": 4})})

    with pytest.raises(
        DataError, match=rf"{refused[0]}: its inputs do not belong together: .*{told}.*Materialize again"
    ):
        rematerialize(project, refused)
    assert project.files()[f"{refused[0]}.parquet"] == before[f"{refused[0]}.parquet"]

    project.run_job({**SMALL, "source": str(other), "min_tracks": 4})
    assert stale(project) == set()


def test_a_split_of_another_seed_is_no_split_of_the_models(project: Project) -> None:
    """Validation playlists of one split may be training playlists of another: the hit rate would be a lie."""
    project.run_job()
    rematerialize(project, SPLITS, {**SMALL, "split_seed": 7})
    with pytest.raises(DataError, match="do not belong together: track_embeddings was made from split_sequences"):
        rematerialize(project, ["validation_ranks"])
    rematerialize(project, [*RANKER_PARTS, *TRAINED, *RANKS], {**SMALL, "split_seed": 7})


@pytest.mark.slow
def test_the_ui_shows_the_same_marks(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked as the UI asks: by GraphQL, of a code server in a process of its own."""
    (tmp_path / "home").mkdir()
    with dg.DagsterInstance.local_temp(str(tmp_path / "home")) as instance:
        project = Project(tmp_path, instance, project.source)
        monkeypatch.setenv("REC_ASSETS_STORAGE", str(project.store))
        project.run_job(DEV, job="dev_training_job")
        rematerialize(project, ["playlist_sequences"])
        target = ModuleTarget("rec_assets.definitions", None, str(Path.cwd()), "rec_assets")
        with WorkspaceProcessContext(instance, target) as context:
            answer = execute_query(
                context,
                """{ assetNodes { assetKey { path } staleStatus staleCauses { reason key { path } }
                     assetMaterializations(limit: 1) { tags { key value } } } }""",
            )
    nodes = {node["assetKey"]["path"][-1]: node for node in answer["data"]["assetNodes"]}
    assert {name for name, node in nodes.items() if node["staleStatus"] == "STALE"} == set(SPLITS)
    assert nodes["test_sequences"]["staleCauses"] == [
        {"reason": "has a new data version", "key": {"path": ["playlist_sequences"]}}
    ]
    shown = {
        name: tag["value"]
        for name, node in nodes.items()
        if node["assetMaterializations"]
        for tag in node["assetMaterializations"][0]["tags"]
        if tag["key"] == "dagster/data_version"
    }
    assert {name for name, version in shown.items() if version.startswith("dev50-")} == set(AFTER_SEQUENCES)
