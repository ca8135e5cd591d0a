"""Without this a loop could go on with old code of another file, after an upgrade, from what is kept of it."""

import subprocess
import sys
from pathlib import Path

CALLED = """from rec_assets.core.base.compiled import compiled

@compiled
def called(): return {answer}
"""
BETWEEN = """from called import called
from rec_assets.core.base.compiled import compiled

@compiled
def between(): return called()
"""
CALLS = """from between import between
from rec_assets.core.base.compiled import compiled

@compiled
def calls(): return between()
"""
ASK = "from calls import calls; print(calls(), sum(calls.stats.cache_hits.values()))"


def test_a_change_of_one_file_is_seen_by_loops_of_others_and_nothing_else_is_compiled_again(tmp_path: Path) -> None:
    (tmp_path / "between.py").write_text(BETWEEN)
    (tmp_path / "calls.py").write_text(CALLS)
    said = []
    for answer in (1, 1, 2):
        (tmp_path / "called.py").write_text(CALLED.format(answer=answer))
        # -B: to Python's own cache files of the same second and size are the same.
        done = subprocess.run(
            [sys.executable, "-B", "-c", ASK], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        said.append(done.stdout.split())

    assert said == [["1", "0"], ["1", "1"], ["2", "0"]]
