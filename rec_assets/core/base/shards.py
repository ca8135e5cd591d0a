"""Playlists cut into shards, which workers answer wherever they are, and whose answers are put together in order."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeVar

from rec_assets.core.base.flat_sequences import FlatSequences

# Playlists answered before the next are looked at: it bounds memory.
CHUNK = 1_024

_Asked = TypeVar("_Asked")
_Answered = TypeVar("_Answered")


class ShardMap(Protocol):
    """What the built-in ``map`` does, in order and when it is asked for more; the calls may be made elsewhere."""

    def __call__(self, answer: Callable[[_Asked], _Answered], shards: Iterable[_Asked], /) -> Iterator[_Answered]:
        """``answer(shard)`` of each of ``shards``."""
        ...


def in_chunks(playlists: int, size: int = CHUNK) -> list[slice]:
    """Where the parts of ``size`` of so many ``playlists`` are; the last one is shorter."""
    return [slice(start, min(start + size, playlists)) for start in range(0, playlists, size)]


@dataclass(frozen=True)
class Shards:
    """How playlists are cut, and who answers.

    Attributes:
        size: playlists of a shard, a multiple of ``CHUNK``: tables are written by chunks, so that their bytes do not
            depend on the shards.
        map: asks the workers; the built-in one asks this process, in which each shard is shared out to all cores.
    """

    size: int = 4 * CHUNK
    map: ShardMap = map

    def answer(
        self, answer: Callable[[FlatSequences], _Answered], playlists: FlatSequences
    ) -> Iterator[tuple[slice, _Answered]]:
        """Each shard's place among ``playlists``, and what ``answer`` says to it.

        Raises:
            ValueError: ``size`` is no multiple of ``CHUNK``.
        """
        if self.size < CHUNK or self.size % CHUNK:
            raise ValueError(f"shards of {self.size} playlists; expected a multiple of {CHUNK}")
        parts = in_chunks(len(playlists), self.size)
        yield from zip(parts, self.map(answer, (playlists[part] for part in parts)), strict=True)


ONE_PROCESS = Shards()
