"""How often long work says where it stands, and how it says what is left."""

import time
from collections.abc import Callable

REPORT_SECONDS = 5.0


def time_left(seconds: float) -> str:
    """Such as "about 40 s left", from 90 s on in minutes, from 90 minutes on in hours."""
    unit, name = (1, "s") if seconds < 90 else (60, "min") if seconds < 5_400 else (3_600, "h")
    return f"about {seconds / unit:.0f} {name} left"


def log_share(log: Callable[[str], None]) -> Callable[[str, int, int], None]:
    """Takes how many of what are done; ``log`` gets a sentence when five seconds have passed since it last did.

    The time left goes by what was done since the first call for the same "what".
    """
    said = began = time.monotonic()
    counted, first, before = "", 0, 0

    def counts(what: str, done: int, total: int) -> None:
        nonlocal said, began, counted, first, before
        now = time.monotonic()
        if what != counted or done < before:
            counted, began, first = what, now, done
        before = done
        if now - said >= REPORT_SECONDS:
            said = now
            left = f", {time_left((now - began) * (total - done) / (done - first))}" if done > first else ""
            log(f"{done:,} of {total:,} {what}{left}")

    return counts
