"""Without these, products could run on several threads where bytes are promised, or on one for ever after."""

import threading
from collections.abc import Iterator

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from rec_assets.core.base import one_blas_thread as module
from rec_assets.core.base.one_blas_thread import one_blas_thread


def threads() -> int:
    return max(library.num_threads for library in module._blas())


@pytest.fixture(autouse=True)
def _three_threads() -> Iterator[None]:
    """As where somebody else set them, and still has the say."""
    np.ones((2, 2)) @ np.ones((2, 2))
    with threadpool_limits(3, user_api="blas"):
        yield
        assert threads() == 3


def test_blocks_within_blocks_keep_to_one_thread_until_the_last_ends() -> None:
    with one_blas_thread():
        with one_blas_thread():
            assert threads() == 1
        assert threads() == 1
    assert threads() == 3


def test_an_error_ends_a_block() -> None:
    with pytest.raises(ArithmeticError), one_blas_thread():
        raise ArithmeticError
    assert threads() == 3


def in_thread(function) -> threading.Thread:
    thread = threading.Thread(target=function)
    thread.start()
    return thread


def test_a_block_in_a_thread_of_its_own_is_on_one_thread_too() -> None:
    seen = []

    def block() -> None:
        with one_blas_thread():
            seen.append(threads())

    in_thread(block).join(10)

    assert seen == [1]
    assert threads() == 3


def test_blocks_of_two_threads_that_overlap_end_in_any_order() -> None:
    begun, first_ended, checked = threading.Event(), threading.Event(), threading.Event()
    seen = []

    def first() -> None:
        with one_blas_thread():
            begun.set()
            assert second_begun.wait(10)
        first_ended.set()
        assert checked.wait(10)  # alive while the other block ends

    second_begun = threading.Event()
    thread = in_thread(first)
    assert begun.wait(10)
    with one_blas_thread():
        second_begun.set()
        assert first_ended.wait(10)
        seen.append(threads())
    seen.append(threads())
    checked.set()
    thread.join(10)

    assert seen == [1, 3]
