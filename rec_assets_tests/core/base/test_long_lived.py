"""Without these, a process could go on without its garbage collector, and grow for ever."""

import gc
import weakref

import pytest

from rec_assets.core.base.long_lived import long_lived


class Cycle:
    def __init__(self) -> None:
        self.itself = self


def test_the_collector_sleeps_in_the_block_and_works_after_it_even_after_an_error() -> None:
    def fail() -> None:
        with long_lived():
            assert not gc.isenabled()
            raise ValueError("once")

    with pytest.raises(ValueError, match="once"):
        fail()
    assert gc.isenabled()
    later = weakref.ref(Cycle())
    gc.collect()
    assert later() is None


def test_a_collector_that_was_off_stays_off() -> None:
    gc.disable()
    try:
        with long_lived():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_what_is_alive_after_the_block_is_not_looked_at_again() -> None:
    with long_lived():
        kept = Cycle()
    frozen = weakref.ref(kept)
    del kept
    gc.collect()

    assert frozen() is not None
    gc.unfreeze()
    gc.collect()
    assert frozen() is None
