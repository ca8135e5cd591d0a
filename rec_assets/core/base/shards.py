"""Playlists cut into shards, which workers answer wherever they are, and whose answers are put together in order."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeVar

from rec_assets.core.base.flat_sequences import FlatSequences

_Asked = TypeVar("_Asked")
_Answered = TypeVar("_Answered")


class ShardMap(Protocol):
    """What the built-in ``map`` does, in order and when it is asked for more; the calls may be made elsewhere."""

    def __call__(self, answer: Callable[[_Asked], _Answered], shards: Iterable[_Asked], /) -> Iterator[_Answered]:
        """``answer(shard)`` of each of ``shards``."""
        ...


def cut(playlists: int, size: int) -> list[slice]:
    """Where the shards of ``size`` of so many ``playlists`` are; the last one is shorter."""
    return [slice(start, min(start + size, playlists)) for start in range(0, playlists, size)]


@dataclass(frozen=True)
class Shards:
    """How playlists are cut, and who answers.

    Attributes:
        size: playlists of a shard. It bounds memory, and progress is said after each: 4,096 take a core some ten
            seconds at 12.9M rows.
        map: asks the workers; the built-in one asks this process, which shares out each shard to its threads.
    """

    size: int = 4_096
    map: ShardMap = map

    def answer(
        self, answer: Callable[[FlatSequences], _Answered], playlists: FlatSequences
    ) -> Iterator[tuple[slice, _Answered]]:
        """Each shard's place among ``playlists``, and what ``answer`` says to it."""
        parts = cut(len(playlists), self.size)
        yield from zip(parts, self.map(answer, (playlists[part] for part in parts)), strict=True)


ONE_PROCESS = Shards()
