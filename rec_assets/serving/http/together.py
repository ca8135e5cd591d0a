"""Questions that wait at the same time are answered together: a batch takes little longer than its longest question."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

from anyio import to_thread

MOST_TOGETHER = 32


@dataclass
class Together:
    """Hands questions to ``answer_each`` in a thread, all that wait for the same ``served`` model at once.

    No question waits for others to come: while all ``threads`` are at work, those that arrive wait, and are the next
    batch. To be used from one event loop.

    Attributes:
        answer_each: takes the model and a list of questions; gives an answer to each, or an exception.
        threads: how many batches are in work at once.
    """

    answer_each: Callable[[Any, Sequence[Any]], list[Any]]
    threads: int
    _waiting: list[tuple[Any, Any, asyncio.Future[Any]]] = field(default_factory=list)
    _working: set[asyncio.Task[None] | None] = field(default_factory=set)

    @property
    def waiting(self) -> int:
        """Questions that no thread has taken up."""
        return len(self._waiting)

    async def ask(self, served: Any, question: Any) -> Any:
        """The answer; raises the exception that is one."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append((served, question, future))
        if len(self._working) < self.threads:
            self._working.add(asyncio.create_task(self._work()))
        return await future

    async def _work(self) -> None:
        try:
            while self._waiting:
                await self._answer_batch()
        finally:
            # Here, not when the task is done: a question that came in between would wait for the next one.
            self._working.discard(asyncio.current_task())

    async def _answer_batch(self) -> None:
        served = self._waiting[0][0]
        batch = list(takewhile(lambda entry: entry[0] is served, self._waiting[:MOST_TOGETHER]))
        del self._waiting[: len(batch)]
        try:
            answers = await to_thread.run_sync(self.answer_each, served, [question for _, question, _ in batch])
        except Exception as error:  # noqa: BLE001 - who asked gets it
            answers = [error] * len(batch)
        for (_, _, future), answer in zip(batch, answers, strict=True):
            if future.done():  # who asked has gone
                continue
            if isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)
