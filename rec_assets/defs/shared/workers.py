"""Who answers shards of playlists: the threads of this process, or the workers of a Ray cluster."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any

from rec_assets.core.base.shards import ONE_PROCESS, Shards
from rec_assets.defs.shared.executor import executor_name

# For each free core: a shard at work, and one that is done before its turn; more would only take memory.
_AHEAD = 2


def configured_shards() -> Shards:
    """Those of this process and its threads; with ``REC_ASSETS_EXECUTOR=ray`` those of the cluster.

    Raises:
        ConnectionError: no cluster is found, here or at ``RAY_ADDRESS``.
        RunRefusedError: the variable names something else than an executor.
    """
    if executor_name() != "ray":
        return ONE_PROCESS
    import ray  # pyright: ignore[reportMissingImports]  # an extra

    if not ray.is_initialized():  # here, in the main thread: what is asked for later may be so on another
        ray.init("auto", log_to_driver=False)
    return Shards(map=ray_map)


def ray_map(answer: Callable[[Any], Any], shards: Iterable[Any]) -> Iterator[Any]:
    """As ``map``, by tasks of one core each on the Ray cluster, to which this process is connected.

    Ray repeats the tasks of a worker that is lost. The arrays behind ``answer`` lie once in the memory of each machine,
    where all its workers map them. Where no core is free, this process answers.
    """
    import ray  # pyright: ignore[reportMissingImports]

    free = int(ray.available_resources().get("CPU", 0))
    if free == 0:  # steps hold a core each: if all had tasks, each would wait for another to end
        yield from map(answer, shards)
        return
    # In a list: what stands alone is opened anew for each task.
    held, task = [ray.put(answer)], ray.remote(_answer)
    waiting: deque[Any] = deque()
    for shard in shards:
        waiting.append(task.remote(held, shard))
        if len(waiting) == _AHEAD * free:
            yield ray.get(waiting.popleft())
    while waiting:
        yield ray.get(waiting.popleft())


def _answer(held: list[Any], shard: Any) -> Any:
    return _opened(held[0])(shard)


@lru_cache(1)
def _opened(reference: Any) -> Any:
    import ray  # pyright: ignore[reportMissingImports]

    return ray.get(reference)
