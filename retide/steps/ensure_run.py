"""Ensure run: start the model's next run where something waits that no run has tried."""

from __future__ import annotations

from typing import Final

from retide.domain.ledger import Cause
from retide.ledger import Ledger
from retide.ports import Machine, Start
from retide.steps.dispatcher import Dispatcher

TRIES: Final = 20


def ensure_run(model: str, parts: Dispatcher) -> None:
    """One that runs already is enough."""
    if not _worth_a_run(model, parts.ledger):
        return
    for _ in range(TRIES):
        head = parts.ledger.head(model)
        run = head.run(model)
        payload = {
            "model": model,
            "generation": run.generation,
            "attempt": run.attempt,
            "run": str(run),
            "settle_seconds": parts.catalogue[model].contract.policy.settle_seconds,
        }
        if parts.executions.start(Machine.RETRAIN, str(run), payload) is not Start.ENDED:
            return
        parts.ledger.next_attempt(model, head)  # an execution that died before Claim costs an attempt
    raise RuntimeError(f"{TRIES} executions of {model} are used up one after the other; trying again later")


def _worth_a_run(model: str, ledger: Ledger) -> bool:
    """New code alone starts nothing before the first data came: its request waits for that."""
    waiting = ledger.waiting(model)
    only_code = not waiting.objects and all(wish.cause is Cause.CODE for wish in waiting.requests)
    return waiting.fresh and not (only_code and not ledger.accepted(model))
