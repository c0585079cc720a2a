"""One change of a pipeline's state at a time, and what it sets off outside only when the change is complete."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from types import TracebackType

from retide.local.clock import Clock, Timer
from retide.local.codepipeline.executions import Effect

logger = logging.getLogger("retide.local.codepipeline")

Spawn = Callable[[Effect], object]


def in_a_thread(effect: Effect) -> None:
    """Effects call the cloud and wait for builds: each has a thread, which ends with the process at the latest."""
    threading.Thread(target=_logged, args=(effect,), name="retide-codepipeline", daemon=True).start()


class Turns:
    """A lock that may be taken again by its thread; effects begin when it is given back."""

    def __init__(self, clock: Clock, spawn: Spawn = in_a_thread) -> None:
        self.clock = clock
        self._spawn = spawn
        self._lock = threading.RLock()
        self._depth = 0
        self._effects: list[Effect] = []
        self.closed = False

    def __enter__(self) -> None:
        self._lock.acquire()
        self._depth += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._depth -= 1
        effects: list[Effect] = []
        if self._depth == 0:
            effects, self._effects = self._effects, effects
        self._lock.release()
        for effect in effects:
            self._begin(effect)

    def then(self, effect: Effect) -> None:
        """Do this when the turn is over."""
        self._effects.append(effect)

    def after(self, seconds: float, effect: Effect) -> Timer:
        """Do this when so much of the cloud's time has passed."""
        return self.clock.call_later(seconds, lambda: self._begin(effect))

    def close(self) -> None:
        """Nothing begins any more."""
        self.closed = True

    def _begin(self, effect: Effect) -> None:
        if not self.closed:
            self._spawn(effect)


def _logged(effect: Effect) -> None:
    try:
        effect()
    except Exception:  # whatever it is, the log must have it: nobody waits for this thread
        logger.exception("a part of a pipeline failed inside the local cloud")
