"""Without this a question could get another one's answer, or wait for ever, when many are answered together."""

import asyncio
import threading
from collections.abc import Sequence

import pytest

from rec_assets.serving.http.together import MOST_TOGETHER, Together


class Desk:
    """Doubles numbers, batch by batch, once the ``door`` is open; refuses odd ones."""

    def __init__(self) -> None:
        self.door = threading.Event()
        self.batches: list[tuple[str, list[int]]] = []

    def answer_each(self, served: str, questions: Sequence[int]) -> list[int | ValueError]:
        self.batches.append((served, list(questions)))
        assert self.door.wait(10)
        if 13 in questions:
            raise RuntimeError("the model is gone")
        return [ValueError(f"{number} is odd") if number % 2 else 2 * number for number in questions]


def asked(desk: Desk, questions: Sequence[tuple[str, int]]) -> list[object]:
    async def ask_all() -> list[object]:
        together = Together(desk.answer_each, threads=1)
        first = asyncio.create_task(together.ask("model", 0))
        while not desk.batches:  # the only thread is at work: all others wait
            await asyncio.sleep(0.001)
        others = [asyncio.create_task(together.ask(model, number)) for model, number in questions]
        await asyncio.sleep(0.01)
        assert together.waiting == len(questions)
        desk.door.set()
        return await asyncio.gather(first, *others, return_exceptions=True)

    return asyncio.run(ask_all())


def test_those_that_wait_are_answered_together_each_with_its_own_answer_or_error() -> None:
    desk = Desk()

    answers = asked(desk, [("model", number) for number in (2, 3, 4)])

    assert desk.batches == [("model", [0]), ("model", [2, 3, 4])]
    assert answers[:2] == [0, 4]
    assert str(answers[2]) == "3 is odd"
    assert answers[3] == 8


def test_a_batch_has_one_model_and_a_limit() -> None:
    desk = Desk()

    asked(desk, [("model", 2), ("newer", 4), *[("newer", 6)] * MOST_TOGETHER])

    assert [(model, len(batch)) for model, batch in desk.batches] == [
        *(("model", 1), ("model", 1)),
        *(("newer", MOST_TOGETHER), ("newer", 1)),
    ]


def test_what_breaks_a_batch_is_the_error_of_all_in_it_and_of_no_other() -> None:
    answers = asked(Desk(), [("model", 2), ("model", 13), ("newer", 4)])

    assert [str(answer) for answer in answers] == ["0", "the model is gone", "the model is gone", "8"]


def test_who_has_gone_keeps_nobody_waiting() -> None:
    desk = Desk()

    async def leave() -> object:
        together = Together(desk.answer_each, threads=1)
        first = asyncio.create_task(together.ask("model", 2))
        await asyncio.sleep(0.01)
        first.cancel()
        desk.door.set()
        return await together.ask("model", 4)

    assert asyncio.run(leave()) == 8


def test_a_question_that_comes_as_the_last_batch_ends_waits_for_no_other() -> None:
    desk = Desk()
    desk.door.set()

    async def ask_twice() -> list[object]:
        together = Together(desk.answer_each, threads=1)
        return [await together.ask("model", 2), await together.ask("model", 4)]

    assert asyncio.run(asyncio.wait_for(ask_twice(), 10)) == [4, 8]


@pytest.mark.parametrize("threads", [1, 2])
def test_no_more_batches_are_in_work_than_there_are_threads(threads: int) -> None:
    desk = Desk()

    async def ask_all() -> int:
        together = Together(desk.answer_each, threads=threads)
        questions = []
        for number in range(4):
            questions.append(asyncio.create_task(together.ask("model", 2 * number)))
            await asyncio.sleep(0.02)
        in_work = len(desk.batches)
        desk.door.set()
        await asyncio.gather(*questions)
        return in_work

    assert asyncio.run(ask_all()) == threads
