"""The time that our own services live by: real by default, held and moved by hand in tests and replays."""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

logger = logging.getLogger("retide.local")


@dataclass(order=True, slots=True)
class Timer:
    """A callback that waits for its moment; `cancel` is safe at any time, also after it fired."""

    due: float
    number: int
    callback: Callable[[], object] = field(compare=False)
    cancelled: bool = field(default=False, compare=False)

    def cancel(self) -> None:
        self.cancelled = True


class Clock:
    """Seconds since the epoch, and timers that fire by them.

    While the clock runs, it follows the machine's monotonic clock. `hold` stops it, `advance` moves it (held or not)
    and thereby fires what has become due, `release` lets it run on from where it stands.
    Callbacks run one after the other in the clock's own thread: they must be short.
    """

    def __init__(self, start: float | None = None) -> None:
        self._changed = threading.Condition()
        self._timers: list[Timer] = []
        self._numbers = itertools.count()
        self._base = time.time() if start is None else start
        self._since = time.monotonic()
        self._held = False
        self._closed = False
        self._thread: threading.Thread | None = None

    def seconds(self) -> float:
        """Seconds since the epoch."""
        with self._changed:
            return self._seconds()

    def now(self) -> datetime:
        """The same moment, aware, in UTC."""
        return datetime.fromtimestamp(self.seconds(), UTC)

    @property
    def held(self) -> bool:
        return self._held

    def hold(self, at: float | None = None) -> None:
        """Stop the clock, here or at a moment given in seconds since the epoch."""
        with self._changed:
            self._rebase(self._seconds() if at is None else at)
            self._held = True
            self._changed.notify_all()

    def release(self) -> None:
        with self._changed:
            self._rebase(self._seconds())
            self._held = False
            self._changed.notify_all()

    def advance(self, seconds: float) -> None:
        """Move the clock forward. Raises ValueError for a negative number: time does not run backwards."""
        if seconds < 0:
            raise ValueError(f"the clock cannot be advanced by {seconds:g} seconds: give a number of at least 0")
        with self._changed:
            self._rebase(self._seconds() + seconds)
            self._changed.notify_all()

    def call_later(self, seconds: float, callback: Callable[[], object]) -> Timer:
        """Run `callback` when `seconds` of this clock's time have passed."""
        with self._changed:
            timer = Timer(self._seconds() + seconds, next(self._numbers), callback)
            heapq.heappush(self._timers, timer)
            self._start()
            self._changed.notify_all()
        return timer

    def close(self) -> None:
        """Drop every timer and end the clock's thread."""
        with self._changed:
            self._closed = True
            self._timers.clear()
            self._changed.notify_all()

    def _seconds(self) -> float:
        return self._base if self._held else self._base + (time.monotonic() - self._since)

    def _rebase(self, seconds: float) -> None:
        self._base, self._since = seconds, time.monotonic()

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="retide-clock", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while (timer := self._next_due()) is not None:
            _fire(timer)

    def _next_due(self) -> Timer | None:
        """Wait for the next timer that is due; None when the clock was closed."""
        with self._changed:
            while not self._closed:
                if self._timers and (self._timers[0].cancelled or self._timers[0].due <= self._seconds()):
                    return heapq.heappop(self._timers)
                self._changed.wait(self._real_seconds_to_wait())
        return None

    def _real_seconds_to_wait(self) -> float | None:
        if self._held or not self._timers:
            return None
        return max(0.0, self._timers[0].due - self._seconds())


def _fire(timer: Timer) -> None:
    if timer.cancelled:
        return
    try:
        timer.callback()
    except Exception:  # one broken callback must not stop time for all the others
        logger.exception("a timer's callback failed")
