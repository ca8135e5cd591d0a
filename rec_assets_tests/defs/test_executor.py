"""Without this a wrong REC_ASSETS_EXECUTOR would end in a stack, or a lost worker of a cluster in a lost run."""

import sys
from types import SimpleNamespace

import dagster as dg
import pytest
import yaml

from rec_assets.core.base.errors import DataError
from rec_assets.defs.jobs import TuningSettings, tuning_job
from rec_assets.defs.shared.executor import lost_step_retries, step_executor
from rec_assets.defs.tuning import executor_of
from rec_assets.paths import HOME_SETTINGS
from rec_assets.store.io_manager import explaining
from rec_assets.store.refused import RunRefusedError

SEARCH = {"name": "small", "sampler": "grid", "workers": 2, "parameters": {"window": [5, 10]}}


def choose(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("REC_ASSETS_EXECUTOR", name)


@pytest.mark.parametrize("name", ["", "in_process"])
def test_steps_run_in_the_process_of_the_run_unless_told_otherwise(monkeypatch, name: str) -> None:
    choose(monkeypatch, name)
    assert step_executor() is dg.in_process_executor
    assert lost_step_retries() is None
    assert tuning_job.executor_def is dg.multi_or_in_process_executor


def test_another_value_is_refused_with_those_that_can_be(monkeypatch) -> None:
    choose(monkeypatch, "spark")
    for ask in (step_executor, lost_step_retries):
        with pytest.raises(RunRefusedError, match=r"is 'spark'; expected one of in_process, multiprocess, ray, k8s\."):
            ask()


@pytest.mark.parametrize(("name", "package"), [("ray", "dagster_ray"), ("k8s", "dagster_k8s")])
def test_a_missing_package_is_named_with_its_extra(monkeypatch, name: str, package: str) -> None:
    choose(monkeypatch, name)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(RunRefusedError, match=rf"{package} is not installed: run `pip install .* '\.\[{name}\]'`"):
        step_executor()


def test_ray_gets_our_settings_but_no_password(monkeypatch) -> None:
    choose(monkeypatch, "ray")
    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace())
    told = SimpleNamespace(ray_executor=SimpleNamespace(configured=lambda config: config["ray"]["env_vars"]))
    monkeypatch.setitem(sys.modules, "dagster_ray", told)
    monkeypatch.setenv("REC_ASSETS_TUNING_STORAGE", "postgresql+psycopg2://me@host/optuna")
    assert {"REC_ASSETS_EXECUTOR", "REC_ASSETS_TUNING_STORAGE"} < set(step_executor())  # type: ignore[arg-type]

    monkeypatch.setenv("REC_ASSETS_TUNING_STORAGE", "postgresql+psycopg2://me:sesame@host/optuna")
    with pytest.raises(RunRefusedError, match=r"REC_ASSETS_TUNING_STORAGE holds a password.*set PGPASSWORD") as refused:
        step_executor()
    assert "sesame" not in str(refused.value)


def test_workers_of_a_search_have_processes_here_and_steps_of_their_own_on_a_cluster(monkeypatch) -> None:
    assert "multiprocess" in executor_of(TuningSettings(**SEARCH))
    choose(monkeypatch, "ray")
    assert executor_of(TuningSettings(**SEARCH)) is None


def test_a_lost_step_is_run_again_and_an_error_to_mend_is_not(monkeypatch) -> None:
    choose(monkeypatch, "ray")
    tries = []

    @dg.op
    def refusing() -> None:
        tries.append("refusing")
        with explaining():
            raise DataError("too few rows")

    @dg.op
    def crashing() -> None:
        tries.append("crashing")
        raise RuntimeError

    policy = lost_step_retries()
    assert policy
    job = dg.GraphDefinition("both", node_defs=[refusing, crashing]).to_job(
        op_retry_policy=dg.RetryPolicy(max_retries=policy.max_retries)
    )
    assert not job.execute_in_process(raise_on_error=False).success
    assert sorted(tries) == ["crashing"] * 3 + ["refusing"]


def test_the_files_for_kubernetes_are_of_its_schema(monkeypatch) -> None:
    dagster_k8s = pytest.importorskip("dagster_k8s", reason="needs the extra `k8s`")
    choose(monkeypatch, "k8s")
    monkeypatch.setenv("REC_ASSETS_IMAGE", "rec_assets:1")
    assert step_executor() is dagster_k8s.k8s_job_executor
    shipped = yaml.safe_load(HOME_SETTINGS.with_name("k8s.yaml").read_text())
    launcher = getattr(dagster_k8s, shipped["run_launcher"]["class"])
    checked = dg._config.process_config(launcher.config_type(), shipped["run_launcher"]["config"])
    assert checked.success, checked.errors


def test_ray_takes_the_config_of_its_executor(monkeypatch) -> None:
    pytest.importorskip("dagster_ray", reason="needs the extra `ray`")
    choose(monkeypatch, "ray")
    assert step_executor().name == "ray"
