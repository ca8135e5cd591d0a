"""Without these, a run would need the memory of all that it ever read or freed, up to the end."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from rec_assets.core.base.memory import let_go
from rec_assets.core.base.tensor_file import map_tensors, write_tensors
from rec_assets.store.duckdb import SharedDuckDB

_MEGABYTE = 1_048_576


def megabytes(kind: str) -> float:
    """Of this process, as Linux counts it: ``RssFile`` or ``RssAnon``."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(kind)) / 1_024


def test_a_copy_of_a_mapped_file_needs_the_memory_of_one_array_and_is_the_same(tmp_path: Path) -> None:
    arrays = {f"array_{number}": np.full(8 * _MEGABYTE, number, np.uint8) for number in range(8)}
    write_tensors(tmp_path / "first", arrays, {})
    mapped, _ = map_tensors(tmp_path / "first")
    before = megabytes("RssFile")

    write_tensors(tmp_path / "second", mapped, {})

    assert megabytes("RssFile") - before < 16
    assert (tmp_path / "second").read_bytes() == (tmp_path / "first").read_bytes()
    assert all((mapped[name] == array).all() for name, array in arrays.items())
    let_go(arrays["array_1"])  # is not mapped
    assert (arrays["array_1"] == 1).all()


def test_duckdb_hands_back_what_it_freed_and_keeps_its_limit_and_what_is_being_read() -> None:
    database = SharedDuckDB(memory_limit="700MB", threads=2)
    connection = database.connect()
    limit = "SELECT current_setting('memory_limit')"
    stated = connection.execute(limit).fetchall()
    connection.sql("SELECT range % 2_000_003 AS a, count(*) FROM range(8_000_000) GROUP BY a").to_arrow_table()
    pa.default_memory_pool().release_unused()
    reading = connection.sql("SELECT range FROM range(3_000_000)").to_arrow_reader(100_000)
    next(reading)
    before = megabytes("RssAnon")

    database.give_back()

    assert before - megabytes("RssAnon") > 20
    assert sum(batch.num_rows for batch in reading) == 2_900_000
    assert connection.execute(limit).fetchall() == stated
    database.teardown_after_execution(None)  # type: ignore[arg-type]


_HEAPS = """
import ctypes, sys, threading
from rec_assets.core.base.memory import share_heaps
share_heaps(int(sys.argv[1]))
c, together = ctypes.CDLL(None), threading.Barrier(12)
c.malloc.restype = c.fopen.restype = ctypes.c_void_p
def work():
    together.wait()
    for _ in range(2_000):
        c.malloc(20_000)
    together.wait()
threads = [threading.Thread(target=work) for _ in range(12)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
c.malloc_info(0, ctypes.c_void_p(c.fopen(sys.argv[2].encode(), b"w")))
c.fflush(None)
print(open(sys.argv[2]).read().count("<heap nr="))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="heaps of glibc")
def test_threads_share_so_many_heaps(tmp_path: Path) -> None:
    def heaps(most: int) -> int:
        command = [sys.executable, "-c", _HEAPS, str(most), str(tmp_path / "heaps.xml")]
        return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    assert heaps(2) <= 2 < heaps(12)
