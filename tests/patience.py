"""Waiting for what another process, thread or container does in its own time: look again until it is there.

Limits are written in seconds of a quiet machine. They are there so that what hangs is found, not to judge a machine
that is slow or busy for a while: it has SLACK times as long.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

SECONDS: Final = 30.0
FIRST_PAUSE: Final = 0.01
LONGEST_PAUSE: Final = 0.05
BETWEEN_LOOKS: Final = 1.0  # at what takes long, where a look costs those whom it is about
SLACK: Final = 4  # times as long as a limit says


def while_it_moves[T](
    look: Callable[[], T | None],
    progress: Callable[[], object],
    what: str,
    seconds: float,
    pause: float = BETWEEN_LOOKS,
) -> T:
    """The first true answer; AssertionError that names `what` once `progress` has been the same for so long."""
    seconds *= SLACK
    seen, since = progress(), time.monotonic()
    while not (answer := look()):
        now = progress()
        if now != seen:
            seen, since = now, time.monotonic()
        assert time.monotonic() - since < seconds, f"nothing has moved for {seconds:g} s: {what}; it stands at {now}"
        time.sleep(pause)
    return answer


def eventually[T](look: Callable[[], T | None], what: str, seconds: float = SECONDS) -> T:
    """The first true answer; AssertionError that names `what` when there is none for so long."""
    seconds *= SLACK
    deadline, pause = time.monotonic() + seconds, FIRST_PAUSE
    while not (answer := look()):
        assert time.monotonic() < deadline, f"waited {seconds:g} s in vain: {what}"
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)
    return answer
