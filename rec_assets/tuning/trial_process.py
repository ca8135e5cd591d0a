"""One trial in a process of its own: ``python -m rec_assets.tuning.trial_process PARENT TRIAL``.

It is ``dagster job execute``, which records the run in the instance, and it ends with its parent, however that ends.
"""

import ctypes
import json
import os
import runpy
import signal
import sys

MODULE, JOB = "rec_assets.definitions", "trial_job"
_SET_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2)


def main(parent: int, trial: str, tags: dict[str, str]) -> None:
    """Run ``trial`` as a child of the process ``parent``."""
    end_with_parent(parent)
    arguments = ["job", "execute", "-m", MODULE, "-j", JOB, "--tags", json.dumps({**tags, "dagster/partition": trial})]
    sys.argv = ["dagster", *arguments]
    runpy.run_module("dagster", run_name="__main__", alter_sys=True)


def end_with_parent(parent: int) -> None:
    """Let the system kill this process when its parent ends; at once if that has happened already.

    Killed, and not asked to stop: what is stored is whole at any moment, and a trial that went on for a while would
    run beside its own repetition. Only Linux can do it; elsewhere a trial outlives a parent that is killed.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit("the process that started this trial is gone")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3]))
