"""Without this a changed setting could keep its old version, or inputs that do not belong together could be joined.

Versions say what a value was made from, and the UI marks as stale what no longer follows from its inputs.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow.parquet as pq
import pytest
from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus
from dagster._core.loader import LoadingContextForTest

from rec_assets.core.base.errors import DataError
from rec_assets.core.base.lineage import LINEAGE_KEY
from rec_assets_tests.conftest import SMALL, SPLITS, Project, made_rows, write_unescaped_csv

RANKS = ["validation_ranks", "test_ranks"]
FROM_RANKS = ["validation_hit_rate", "test_hit_rate", "validation_slices"]
REPORT = "recommendation_report"
AFTER_RECOMMENDER = [*RANKS, "model_leaderboard", *FROM_RANKS, REPORT]
AFTER_RANKER = ["track_ranker", "recommender", *AFTER_RECOMMENDER]
AFTER_SPLITS = ["track_embeddings", *AFTER_RANKER]
AFTER_SEQUENCES = [*SPLITS, *AFTER_SPLITS]
EVERYTHING = ["raw_playlists", "track_catalog", "playlist_sequences", *AFTER_SEQUENCES]
CHEAP = {**SMALL, "ranker_trees": 2}
DEV = {**CHEAP, "sample_percent": 50}

pytestmark = pytest.mark.usefixtures("blank_pictures")


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


def rematerialize(project: Project, assets: list[str], config: Mapping[str, Any] = CHEAP) -> None:
    project.materialize(assets, steps(project, config))


def stored_version(project: Project, name: str) -> str:
    """The version of the latest materialization in a history that need not know all assets."""
    event = project.instance.get_latest_materialization_event(dg.AssetKey(name))
    return event.asset_materialization.tags["dagster/data_version"]


@dataclass
class Shared:
    """A project that all tests change, with what its store and its history held after the first run."""

    project: Project
    versions: dict[str, str] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)

    def run_all(self, **settings: Any) -> None:
        """Everything but promotion, on all playlists unless ``settings`` say otherwise."""
        self.project.run_job({**CHEAP, "sample_percent": 100, **settings}, job="dev_training_job")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    folder = tmp_path_factory.mktemp("versions")
    with dg.DagsterInstance.ephemeral() as instance:
        yield Shared(Project(folder, instance, write_unescaped_csv(folder / "playlists.csv", made_rows())))


@pytest.fixture
def first(shared: Shared) -> Shared:
    """``shared`` in the state of its first run."""
    if not shared.versions or versions(shared.project) != shared.versions:
        shared.run_all()
        shared.versions = shared.versions or versions(shared.project)
        shared.files = shared.files or shared.project.files()
        assert versions(shared.project) == shared.versions
    return shared


def test_other_settings_of_one_asset_make_its_children_stale_and_no_other(first: Shared) -> None:
    project = first.project
    assert stale(project) == set()
    rematerialize(project, ["track_embeddings"], {**CHEAP, "epochs": 3})
    assert stale(project) == {"recommender", REPORT}

    rematerialize(project, ["track_embeddings"])
    assert stale(project) == set(), "the settings of before give the version of before"


def test_the_same_data_elsewhere_has_the_same_version_and_other_data_another(first: Shared, tmp_path: Path) -> None:
    project = first.project
    moved = tmp_path / "moved.csv"

    moved.write_bytes(project.source.read_bytes())
    rematerialize(project, ["raw_playlists"], {**CHEAP, "source": str(moved)})
    assert versions(project) == first.versions

    write_unescaped_csv(moved, [*made_rows(), ("user", "Artist", "One row more", "list")])
    rematerialize(project, ["raw_playlists"], {**CHEAP, "source": str(moved)})
    assert changed(first.versions, versions(project)) == {"raw_playlists"}
    assert stale(project) == {"track_catalog", "playlist_sequences"}
    rematerialize(project, ["raw_playlists"])


def test_full_sequences_on_a_dev_run_leave_the_splits_stale_and_the_mark_moves_on(first: Shared) -> None:
    project = first.project
    first.run_all(**DEV)
    assert stale(project) == set()
    assert marked_dev(project) == {"playlist_sequences", *AFTER_SEQUENCES}

    dev_left = {"playlist_sequences", *AFTER_SEQUENCES}
    for assets, then_stale in [
        (["playlist_sequences"], SPLITS),
        (SPLITS, ["track_embeddings", "track_ranker", "recommender", *RANKS, "model_leaderboard", REPORT]),
        (["track_embeddings", "track_ranker"], ["recommender", *RANKS, "model_leaderboard", REPORT]),
        (["recommender"], [*RANKS, "model_leaderboard", REPORT]),
        ([*RANKS, "model_leaderboard"], [*FROM_RANKS, REPORT]),
        (FROM_RANKS, [REPORT]),
        ([REPORT], []),
    ]:
        rematerialize(project, assets)
        dev_left -= set(assets)
        assert stale(project) == set(then_stale), assets
        assert marked_dev(project) == dev_left, assets
    assert dev_left == set()
    assert versions(project) == first.versions, "as if there had been no dev run"
    assert project.files() == first.files


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"split_seed": 1}, AFTER_SEQUENCES),
        ({"epochs": 3}, AFTER_SPLITS),
        ({"ranker_trees": 3}, AFTER_RANKER),
        # How many rejects are allowed changes nothing of what is made.
        ({"k": 4, "max_reject_share": 0.5}, ["recommender", *AFTER_RECOMMENDER]),
        ({"leaderboard_playlists": 10}, ["model_leaderboard", REPORT]),
    ],
)
def test_a_setting_changes_the_version_of_its_asset_and_of_what_follows(
    shared: Shared, settings: dict[str, Any], expected: list[str]
) -> None:
    if not shared.versions:
        shared.run_all()
        shared.versions = versions(shared.project)
    shared.run_all(**settings)

    found = versions(shared.project)
    assert changed(shared.versions, found) == set(expected)
    assert stale(shared.project) == set()
    assert len(set(found.values())) == len(EVERYTHING), "each has a version of its own"


def test_a_ranker_that_is_not_asked_plays_no_part_in_the_version_of_the_recommender(trained: Project) -> None:
    alone = {**CHEAP, "strategy": "item_knn", "fitted": "chosen"}
    found = []
    for trees in (2, 3):
        rematerialize(trained, ["track_ranker", "recommender"], {**alone, "ranker_trees": trees})
        found.append([stored_version(trained, name) for name in ("track_ranker", "recommender")])

    assert found[0][0] != found[1][0]
    assert found[0][1] == found[1][1]


def test_another_history_over_the_same_store_gives_the_same_versions(trained: Project) -> None:
    stored = pq.read_schema(trained.store / "playlist_sequences.parquet").metadata[LINEAGE_KEY.encode()]
    rematerialize(trained, ["playlist_sequences"])
    assert stored_version(trained, "playlist_sequences") == json.loads(stored)["data_version"]

    # What rests on a sample is known by its file, too.
    rematerialize(trained, ["playlist_sequences"], DEV)
    with dg.DagsterInstance.ephemeral() as instance:
        elsewhere = Project(trained.folder, instance, trained.source)
        rematerialize(elsewhere, SPLITS)
        assert all(stored_version(elsewhere, name).startswith("dev50-") for name in SPLITS)


@pytest.mark.parametrize(
    ("renewed", "refused", "reason"),
    [
        # The catalog numbers other tracks than those that the sequences would look up.
        (["raw_playlists"], "playlist_sequences", "track_catalog was made from raw_playlists"),
        # A model of the old catalog, asked with the numbers of the new one.
        (["raw_playlists", "track_catalog", "playlist_sequences", *SPLITS], "test_ranks", "playlist_sequences"),
        # Vectors of other training playlists than those that the other strategies are fitted on.
        (["playlist_sequences", *SPLITS], "recommender", "playlist_sequences"),
        # A model that has seen other training playlists than the split that is on disk.
        (["playlist_sequences", *SPLITS], "validation_ranks", "playlist_sequences"),
    ],
)
def test_inputs_that_do_not_belong_together_are_refused(
    trained: Project, tmp_path: Path, renewed: list[str], refused: str, reason: str
) -> None:
    other = write_unescaped_csv(tmp_path / "other.csv", made_rows(seed=1))
    settings = {"source": str(other), "min_tracks": 4}
    before = trained.files()
    rematerialize(trained, renewed, {**CHEAP, **settings})

    with pytest.raises(
        DataError, match=rf"{refused}: its inputs do not belong together: .*{reason}.*Materialize again"
    ):
        rematerialize(trained, [refused])
    assert {name for name in before if trained.files()[name] != before[name]} <= {
        "raw_playlists.rejects.parquet",
        *(f"{name}.parquet" for name in renewed),
    }


def test_a_split_of_another_seed_is_no_split_of_the_models(trained: Project) -> None:
    """Validation playlists of one split may be training playlists of another: the hit rate would be a lie."""
    seven = {**CHEAP, "split_seed": 7}
    rematerialize(trained, SPLITS, seven)
    with pytest.raises(DataError, match="do not belong together: recommender was made from split_sequences"):
        rematerialize(trained, ["validation_ranks"])
    rematerialize(trained, [*AFTER_SPLITS], seven)
