"""A home for each store; without this the UI could show one store's figures, and freshness, as those of another."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest
from click.testing import CliRunner

from rec_assets.core.base.errors import StoreError
from rec_assets.definitions import build_definitions
from rec_assets.paths import HOME_SETTINGS, dagster_home, storage_base
from rec_assets.serving.main import main
from rec_assets.store.history import require_own
from rec_assets_tests.conftest import Project, made_rows, write_unescaped_csv
from rec_assets_tests.journeys.dagster_processes import CHECKOUT, PATIENCE

HIT_RATE = ["validation_ranks", "validation_hit_rate"]


def make_home(store: Path | str) -> Path:
    done = CliRunner().invoke(main, ["home", "--storage", str(store)])
    assert done.exit_code == 0, done.output
    return Path(done.stdout.strip())


@pytest.fixture(scope="module")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home without history; Dagster takes seconds to make its tables."""
    home = make_home(tmp_path_factory.mktemp("blank"))
    with opened(home):
        return home


def opened(home: Path) -> dg.DagsterInstance:
    return dg.DagsterInstance.from_config(str(home))


@contextmanager
def at_home(store: Path) -> Iterator[Project]:
    """The project over ``store`` with the instance in its home."""
    with opened(dagster_home(str(store))) as instance:
        project = Project(store.parent, instance, write_unescaped_csv(store.parent / "playlists.csv", made_rows()))
        project.definitions = build_definitions(str(store))
        yield project


def last_hit_rate(home: Path) -> tuple[str, float]:
    """Of which store, and how high, the UI over this home says that the hit rate is."""
    with opened(home) as instance:
        event = instance.get_latest_materialization_event(dg.AssetKey("validation_hit_rate"))
    assert event is not None
    assert event.asset_materialization is not None
    metadata = event.asset_materialization.metadata
    assert next(iter(metadata)) == "store"
    return str(metadata["store"].value), float(str(metadata["hit_rate"].value))


@pytest.fixture
def stores(trained_store: Path, blank: Path, tmp_path: Path) -> list[Path]:
    """Two stores, to which runs that are recorded in their homes gave different figures."""
    made = [tmp_path / name / "store" for name in ("one", "two")]
    for store, k in zip(made, (1, 20), strict=True):
        shutil.copytree(trained_store, store)
        shutil.copytree(blank, dagster_home(str(store)))
        with at_home(store) as project:
            project.materialize(["recommender", *HIT_RATE], {"recommender": {"k": k, "strategy": "popularity"}})
    return made


def test_each_home_tells_the_figures_of_its_own_store_also_when_both_are_moved(stores: list[Path]) -> None:
    told = [last_hit_rate(dagster_home(str(store))) for store in stores]
    assert [name for name, _ in told] == [str(store) for store in stores]
    assert told[0][1] < told[1][1]

    moved = stores[0].rename(stores[0].parent / "moved")
    with at_home(moved) as project:
        assert project.materialize(HIT_RATE).success
    assert last_hit_rate(dagster_home(str(moved))) == (str(moved), told[0][1])


def test_a_run_into_another_store_is_refused_in_one_sentence_and_its_remedy_works(tmp_path: Path, blank: Path) -> None:
    source = write_unescaped_csv(tmp_path / "playlists.csv", made_rows(playlists=9))
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("REC_ASSETS_", "DAGSTER_"))}
    kept |= {"REC_ASSETS_SOURCE": str(source), "PATH": f"{Path(sys.executable).parent}:{kept['PATH']}"}
    home, store = shutil.copytree(blank, tmp_path / "first" / ".dagster_home"), tmp_path / "second"
    with opened(home) as instance:
        require_own(instance, str(tmp_path / "first"))

    def shell(command: str) -> subprocess.CompletedProcess[str]:
        words = f"export DAGSTER_HOME={home} REC_ASSETS_STORAGE={store}; {command}"
        return subprocess.run(
            ["bash", "-c", words], cwd=CHECKOUT, env=kept, capture_output=True, text=True, timeout=PATIENCE, check=False
        )

    refused = shell("dagster job execute -m rec_assets.definitions -j tutorial_job")
    assert refused.returncode == 1
    (said,) = [line for line in refused.stderr.splitlines() if line.startswith("Error: ")]
    assert f"The Dagster home {home} belongs to the store {tmp_path / 'first'}, not to {store}: run" in said
    assert refused.stderr.count("belongs to") == 1
    assert "Traceback" not in refused.stderr
    assert not store.exists()

    remedy = re.findall("`(.*)`", said)[0]
    done = shell(f"{remedy} && dagster asset materialize -m rec_assets.definitions --select raw_playlists")
    assert done.returncode == 0, done.stderr
    assert (store / "raw_playlists.parquet").exists()
    assert (dagster_home(str(store)) / "history" / "runs.db").exists()


def test_settings_of_a_home_that_were_changed_stay_and_a_url_has_a_home_of_its_own(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    assert (home / "dagster.yaml").read_text() == HOME_SETTINGS.read_text()
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}")
    assert (make_home(tmp_path) / "dagster.yaml").read_text() == "telemetry: {enabled: false}"

    homes = {dagster_home(storage_base(base)) for base in ("s3://b/one", "s3://b/two", "s3://b/two/", "gs://b/two")}
    assert sorted(re.sub(r"-[0-9a-f]{8}$", "", path.name) for path in homes) == ["b-one", "b-two", "b-two"]
    assert storage_base(f"file://{tmp_path}") == str(tmp_path)


def test_a_home_anywhere_takes_the_store_of_its_first_run(
    tmp_path: Path, blank: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new, home = (shutil.copytree(blank, tmp_path / name) for name in ("new", "c/.dagster_home"))
    with opened(new) as instance:
        require_own(instance, "s3://bucket/a")
        with pytest.raises(StoreError, match="belongs to the store s3://bucket/a, not to s3://bucket/b"):
            require_own(instance, "s3://bucket/b")
    # That of a URL, which is in no store.
    monkeypatch.setattr("rec_assets.paths._ROOT", tmp_path)
    with opened(shutil.copytree(blank, dagster_home("s3://bucket/e"))) as instance:
        require_own(instance, "s3://bucket/e")
        with pytest.raises(StoreError, match="belongs to the store s3://bucket/e, not to s3://bucket/f"):
            require_own(instance, "s3://bucket/f")
    # One that lay in a store, and was moved out of it.
    with opened(home) as instance:
        require_own(instance, str(tmp_path / "c"))
    with opened(home.rename(tmp_path / "kept_aside")) as instance:
        require_own(instance, "s3://bucket/d")


def test_promote_is_shown_where_the_store_belongs_and_nowhere_else(
    trained: Project, blank: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    words = ["promote", "--storage", str(trained.store), "1"]
    trained.materialize(["promotion_decision", "promoted_model"], {"promotion_decision": {"max_hit_rate_loss": 1}})
    home, other = (shutil.copytree(blank, store / ".dagster_home") for store in (trained.store, tmp_path / "other"))
    with opened(other) as instance:
        require_own(instance, str(tmp_path / "other"))
    monkeypatch.setenv("DAGSTER_HOME", str(other))

    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    assert f"but the UI does not show it. The Dagster home {other} belongs to" in done.stderr
    assert f"rec-assets home --storage {trained.store})`" in done.stderr
    assert observed(other) == []

    monkeypatch.delenv("DAGSTER_HOME")
    assert CliRunner().invoke(main, [*words[:-1], "2"]).stderr == ""
    assert observed(home) == [2]


def observed(home: Path) -> list[object]:
    """The versions that were promoted by hand, as the UI over ``home`` shows them."""
    with opened(home) as instance:
        records = instance.fetch_observations(dg.AssetKey("promoted_model"), limit=9).records
    return [record.event_log_entry.asset_observation.metadata["version"].value for record in records]
