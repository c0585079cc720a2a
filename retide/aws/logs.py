"""One JSON line for each call of a function: which step, for which model and run, how it ended and how long it took."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Final

from retide.aws.transient import TransientError, passes

NAMED: Final = ("model", "run", "execution", "version", "index")

type Handler = Callable[[dict[str, Any], object], Any]


def observed(step: str) -> Callable[[Handler], Handler]:
    """Log each call of a handler; an error is logged with its words, and raised again for the state machine.

    Lambda tells the machine the class of an error and nothing else, so what passes by itself gets a class of its own.
    """

    def wrap(handler: Handler) -> Handler:
        @wraps(handler)
        def call(raw_event: dict[str, Any], context: object) -> Any:
            start = time.perf_counter()
            try:
                result = handler(raw_event, context)
            except Exception as error:
                log(step, raw_event, start, outcome="error", error=type(error).__name__, reason=str(error))
                if passes(error):
                    raise TransientError(f"{type(error).__name__}: {error}") from error
                raise
            log(step, raw_event, start, **_outcome(result))
            return result

        return call

    return wrap


def log(step: str, raw_event: Mapping[str, Any], start: float, **facts: Any) -> None:
    named = {name: raw_event[name] for name in NAMED if name in raw_event}
    tell(step=step, **named, **facts, seconds=round(time.perf_counter() - start, 4))


def tell(**facts: Any) -> None:
    """To stderr as it is: what a logger of Lambda would put before the line makes it unreadable for queries."""
    print(json.dumps(facts, default=str), file=sys.stderr, flush=True)


def _outcome(result: Any) -> dict[str, Any]:
    found = result if isinstance(result, Mapping) else {}
    return {name: found[name] for name in ("outcome", "reason") if found.get(name)}
