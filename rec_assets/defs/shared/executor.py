"""Where steps run, by ``REC_ASSETS_EXECUTOR``: in the process of the run, in several, on Ray or on Kubernetes."""

import os
from importlib import import_module
from urllib.parse import urlsplit

import dagster as dg

from rec_assets.store.refused import RunRefusedError

VARIABLE = "REC_ASSETS_EXECUTOR"
_CLUSTERS = {"ray": "dagster_ray", "k8s": "dagster_k8s"}
_LOCAL = ("in_process", "multiprocess")
# Processes are forked from one that has imported everything: a job of two short trials took 17 s, and 45 s with
# processes that import it themselves.
FORKED = {"start_method": {"forkserver": {"preload_modules": ["rec_assets.definitions"]}}}


def step_executor() -> dg.ExecutorDefinition:
    """What runs the steps of all jobs.

    Raises RunRefusedError: the variable names something else, or the package of the cluster is not installed.
    """
    name = executor_name()
    if name == "in_process":
        # A step in a process of its own imports pandas, duckdb and gensim again: a job of 190,000 rows takes 52 s
        # that way, 20 s with a preloaded fork server, and under 8 s in one process.
        return dg.in_process_executor
    if name == "multiprocess":
        return dg.multiprocess_executor.configured(FORKED)
    try:
        package = import_module(_CLUSTERS[name])
        import_module("ray" if name == "ray" else "kubernetes")
    except ImportError as error:
        raise RunRefusedError(
            f"{VARIABLE} is {name!r}, and {error.name} is not installed: "
            f"run `pip install -c constraints.txt -e '.[{name}]'`, or unset {VARIABLE}."
        ) from error
    return package.ray_executor.configured(_ray_config()) if name == "ray" else package.k8s_job_executor


def on_cluster() -> bool:
    """Whether steps run on Ray or Kubernetes; raises as :func:`step_executor` does."""
    return executor_name() in _CLUSTERS


def lost_step_retries() -> dg.RetryPolicy | None:
    """How often a step is run again whose process was lost: never in one process, where the run is lost with it.

    Errors that a user can mend are not retried: Dagster takes them for its own, and leaves those alone.
    """
    return None if executor_name() == "in_process" else dg.RetryPolicy(max_retries=2, delay=5)


def executor_name() -> str:
    """What the variable says; raises as :func:`step_executor` does, but for packages."""
    name = os.environ.get(VARIABLE) or _LOCAL[0]
    if name not in (*_LOCAL, *_CLUSTERS):
        raise RunRefusedError(f"{VARIABLE} is {name!r}; expected one of {', '.join((*_LOCAL, *_CLUSTERS))}.")
    return name


def _ray_config() -> dict[str, object]:
    """A step takes one of the CPUs that a node was started with, and gets our settings, which Ray does not hand on."""
    own = sorted(name for name in os.environ if name.startswith("REC_ASSETS_"))
    for name in own:
        if "://" in os.environ[name] and urlsplit(os.environ[name]).password:
            raise RunRefusedError(
                f"{name} holds a password, which Ray's dashboard would show: leave it out of the URL, and set "
                "PGPASSWORD where Ray's nodes and the run are started."
            )
    # Without `num_cpus` every step runs on the head node, however many there are.
    return {"ray": {"num_cpus": 1, "env_vars": [*own, "OMP_WAIT_POLICY=passive"]}}
