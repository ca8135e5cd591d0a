"""Without this a lost worker of a Ray cluster could lose answers, and mix up the order of shards."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rec_assets.core.base.shards import ONE_PROCESS
from rec_assets.defs.shared.workers import configured_shards

# In a process of its own: Ray warns where the tests take warnings for errors, and stays when it has begun.
SCRIPT = """
import os, signal, sys, time
from functools import partial
from pathlib import Path

import numpy as np
import ray

from rec_assets.defs.shared.workers import configured_shards

def answer(held, marker, shard):
    if shard == 3 and not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    assert not held.flags.writeable
    return shard, int(held.sum()), os.getpid()

ray.init("local", num_cpus=2, include_dashboard=False)
held = np.ones(1_000_000, np.int32)
answered = list(configured_shards().map(partial(answer, held, Path(sys.argv[1])), range(12)))
assert [answer[:2] for answer in answered] == [(shard, 1_000_000) for shard in range(12)], answered
assert os.getpid() not in {answer[2] for answer in answered}

class Step:
    def is_there(self):
        return True

step = ray.remote(num_cpus=2)(Step).remote()
ray.get(step.is_there.remote())
while ray.available_resources().get("CPU"):
    time.sleep(0.1)
answered = list(configured_shards().map(lambda shard: (shard, os.getpid()), range(3)))
assert answered == [(shard, os.getpid()) for shard in range(3)], answered
print("all answered")
"""


def test_this_process_answers_unless_ray_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("", "in_process", "multiprocess", "k8s"):
        monkeypatch.setenv("REC_ASSETS_EXECUTOR", name)
        assert configured_shards() is ONE_PROCESS


def test_ray_s_workers_answer_in_order_and_what_a_killed_one_had_is_asked_again_and_none_waits_for_a_core_in_vain(
    tmp_path: Path,
) -> None:
    pytest.importorskip("ray", reason="the extra `ray` is not installed")
    marker = tmp_path / "killed"
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(marker)],
        env={**os.environ, "REC_ASSETS_EXECUTOR": "ray"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout.strip().endswith("all answered"), done.stderr
    assert marker.exists()
