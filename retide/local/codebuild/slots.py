"""Lets a few builds run at once, in the order in which they came."""

from __future__ import annotations

import os
import threading
from collections import deque
from typing import Final

from retide.local.codebuild.build import Interruption

HOST_BUILDS: Final = max(2, (os.cpu_count() or 1) // 2)
"""A build uses several cores itself; two at once let one project wait for no other."""


class Slots:
    """First in, first out. Thread-safe."""

    def __init__(self, count: int = HOST_BUILDS) -> None:
        self._changed = threading.Condition()
        self._free = count
        self._waiting: deque[Interruption] = deque()

    def line_up(self, interruption: Interruption) -> None:
        """Take the last place in the queue, from the thread whose order counts."""
        with self._changed:
            self._waiting.append(interruption)

    def wait(self, interruption: Interruption) -> None:
        """Block until it is its turn. Raises Interrupted, then it has left the queue and holds nothing."""
        try:
            with interruption.calling(self._wake), self._changed:
                self._changed.wait_for(lambda: interruption.cause is not None or self._is_next(interruption))
                self._take(interruption)
        except BaseException:
            self._leave(interruption)
            raise

    def free(self) -> None:
        with self._changed:
            self._free += 1
            self._changed.notify_all()

    def _is_next(self, interruption: Interruption) -> bool:
        return self._free > 0 and self._waiting[0] is interruption

    def _take(self, interruption: Interruption) -> None:
        if interruption.cause is None:
            self._waiting.popleft()
            self._free -= 1
            self._changed.notify_all()

    def _leave(self, interruption: Interruption) -> None:
        with self._changed:
            if interruption in self._waiting:
                self._waiting.remove(interruption)
            else:
                self._free += 1
            self._changed.notify_all()

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()
