"""What several tests share: a throw-away project, small playlists, and the real files where they are at hand."""

import io
import os
import random
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import matplotlib
import numpy as np
import pyarrow.parquet as pq
import pytest

from rec_assets.core.base.lineage import LINEAGE_KEY
from rec_assets.definitions import build_definitions
from rec_assets.store.promoted_models import PromotedModels

# LightGBM's threads wait busily by default, which takes other processes' cores; read when the library loads.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

TIMES = ["milliseconds_per_playlist", "training_seconds"]
Row = tuple[str, str, str, str]
SPLITS = ["train_sequences", "validation_sequences", "test_sequences"]
HEADER = '"user_id", "artistname", "trackname", "playlistname"'
SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"

# Small enough for a test, and long enough to have a vocabulary.
SMALL = {"epochs": 2, "min_count": 1, "vector_size": 8, "k": 5, "reproducible": True}
# Of a dozen held-out playlists nothing can be said, so every candidate is promoted.
OPEN_GATE = {
    "max_hit_rate_loss": 1, "max_relative_loss": 1, "max_hit_rate_gain": 1, "max_hit_rate_shift": 1,
    "max_copied_share": 1, "min_data_ratio": 0, "max_data_ratio": 1e6, "min_known_share": 0,
}  # fmt: skip


def write_unescaped_csv(path: Path, rows: Iterable[Row]) -> Path:
    """Rows of (user, artist, track, playlist) in the dialect of the public playlists file."""
    lines = [HEADER, *('"' + '","'.join(row) + '"' for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def made_rows(playlists: int = 60, tracks: int = 40, seed: int = 0) -> list[Row]:
    """Playlists of 4 to 9 tracks; neighbours in number stand together, so that there is something to learn."""
    draw = random.Random(seed)
    rows = []
    for number in range(playlists):
        start = draw.randrange(tracks)
        for _ in range(draw.randint(4, 9)):
            track = (start + draw.randrange(6)) % tracks
            rows.append((f"user{number % 7}", f"Artist {track // 3}", f"Track {track}", f"list {number}"))
    return rows


@dataclass
class Project:
    """A store, an instance and the definitions over them."""

    folder: Path
    instance: dg.DagsterInstance
    source: Path
    definitions: dg.Definitions = field(init=False)

    def __post_init__(self) -> None:
        self.definitions = build_definitions(str(self.store))

    @property
    def store(self) -> Path:
        return self.folder / "store"

    def run_job(
        self, config: Mapping[str, Any] | None = None, job: str = "training_job", *, check: bool = True
    ) -> dg.ExecuteInProcessResult:
        """Run a whole job with a flat config (SMALL unless given otherwise), past an open gate unless it sets one."""
        gate = OPEN_GATE if job == "training_job" else {}
        return self.definitions.resolve_job_def(job).execute_in_process(
            run_config={"source": str(self.source), **gate, **(SMALL if config is None else config)},
            instance=self.instance,
            raise_on_error=check,
        )

    def materialize(
        self,
        assets: Sequence[str],
        config: Mapping[str, Mapping[str, Any]] | None = None,
        *,
        check: bool = True,
    ) -> dg.ExecuteInProcessResult:
        """Materialize some assets with config by step, as the UI does."""
        return self.definitions.resolve_implicit_global_asset_job_def().execute_in_process(
            run_config={"ops": {step: {"config": dict(values)} for step, values in (config or {}).items()}},
            asset_selection=[dg.AssetKey(name) for name in assets],
            instance=self.instance,
            raise_on_error=check,
        )

    def files(self) -> dict[str, bytes]:
        """The content of every file of the store, by name, without what says when or how long."""
        return timeless_files(self.store)


def timeless_files(store: Path) -> dict[str, bytes]:
    """The content of every file of a store, by name, without what says when or how long."""
    files = sorted(path for path in store.rglob("*") if path.is_file())
    return {str(path.relative_to(store)): timeless(path.name, path.read_bytes()) for path in files}


def timeless(name: str, content: bytes) -> bytes:
    """The ``content`` of file ``name`` without times: how long things took, and when rows were read and promoted."""
    if name == "recommendation_report.html":
        return re.sub(rb"\d{4}-\d\d-\d\d \d\d:\d\d UTC|crc32:\d{10}", b"", content)
    if name in ("promotion_decision.json", "promoted_model.json"):
        return re.sub(rb'"(at|promoted_at|checksum)": "[^"]*"', b"", content)
    if name != "model_leaderboard.parquet":
        return content
    table = pq.read_table(io.BytesIO(content))
    return f"{table.drop_columns(TIMES).to_pylist()} {table.schema.metadata[LINEAGE_KEY.encode()]!r}".encode()


@pytest.fixture
def project(tmp_path: Path) -> Iterable[Project]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield Project(tmp_path, instance, write_unescaped_csv(tmp_path / "playlists.csv", made_rows()))


@pytest.fixture(scope="session")
def training(tmp_path_factory: pytest.TempPathFactory) -> Iterable[Project]:
    """A project after one training_job, promotion and all; no test changes it."""
    folder = tmp_path_factory.mktemp("trained")
    with dg.DagsterInstance.ephemeral() as instance:
        project = Project(folder, instance, write_unescaped_csv(folder / "playlists.csv", made_rows()))
        project.run_job()
        yield project


@pytest.fixture(scope="session")
def trained_store(training: Project) -> Path:
    """The store of ``training``; who changes it takes ``trained``."""
    return training.store


@pytest.fixture
def trained(trained_store: Path, project: Project) -> Project:
    """``project`` with a copy of ``trained_store``, of whose run its instance knows nothing."""
    shutil.copytree(trained_store, project.store)
    return project


@pytest.fixture(scope="session")
def promoted_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that holds versions 1 and 2 of a small promoted model, of other strategies; 2 is current."""
    from rec_assets_tests.core.promoted.small_promoted import add_version, fitted  # trains a ranker

    base = tmp_path_factory.mktemp("promoted")
    models = PromotedModels(str(base))
    for version, strategy in ((1, "item_knn"), (2, "ranker")):
        add_version(models, version, fitted(strategy=strategy), strategy=strategy, hit_rate=version / 10)
        models.point_to(version, by="test")
    return base


@pytest.fixture
def promoted(promoted_store: Path, tmp_path: Path) -> PromotedModels:
    """The models of a copy of ``promoted_store``."""
    return PromotedModels(str(shutil.copytree(promoted_store, tmp_path / "promoted")))


@pytest.fixture
def artistless(tmp_path: Path) -> PromotedModels:
    """A store whose model has tracks without artists alone."""
    from rec_assets_tests.core.promoted.small_promoted import add_version, named

    models = PromotedModels(str(tmp_path / "artistless"))
    add_version(models, 1, names=named(artists=np.full(80, -1, np.int32)))
    models.point_to(1, by="test")
    return models


@pytest.fixture
def connection() -> Iterable[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


def _shared(name: str) -> Path:
    path = SHARED_DATA / name
    if not path.exists():
        pytest.skip(f"needs the real file {name}, which may not be published")
    return path


@pytest.fixture
def radio() -> Path:
    return _shared("radio_playlists.csv.gz")


@pytest.fixture
def nowplaying() -> Path:
    return _shared("nowplaying_10k.csv")


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterable[None]:
    """What readers remember of verified files goes to a folder that is thrown away."""
    with pytest.MonkeyPatch.context() as patch:
        # But pictures need not look for all fonts of the machine again.
        patch.setenv("MPLCONFIGDIR", os.environ.get("MPLCONFIGDIR") or matplotlib.get_cachedir())
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the developer's shell reaches a test."""
    for name in [name for name in os.environ if name.startswith(("REC_ASSETS_", "DAGSTER_HOME"))]:
        monkeypatch.delenv(name)
