"""Ensure run: start the model's next run where something waits that no run has tried, and nothing keeps it back."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from retide.domain.intake import Deferral, Delay
from retide.domain.ledger import Cause, Head, Waiting
from retide.ledger import Ledger
from retide.ports import Machine, Start
from retide.steps.dispatcher import Dispatcher

TRIES: Final = 20
STILLBIRTHS: Final = 5  # executions in a row that died before they claimed anything, after which somebody must look
DAY: Final = len("2026-01-01")


class Ensured(StrEnum):
    """What came of it; `deferred`: the ledger says why what waits is not started, and until when."""

    NOTHING = "nothing waits"
    STARTED = "started"
    RUNNING = "runs already"
    DEFERRED = "deferred"


def ensure_run(model: str, parts: Dispatcher) -> Ensured:
    """One that runs already is enough."""
    waiting = parts.ledger.glance(model)
    if not _worth_a_run(model, waiting, parts.ledger):
        return Ensured.NOTHING
    head, deferral = parts.ledger.standing(model)
    if _deferred(model, waiting, head, deferral, parts):
        return Ensured.DEFERRED
    for _ in range(TRIES):
        if _blown(model, head, deferral, parts):
            return Ensured.DEFERRED
        started = parts.executions.start(Machine.RETRAIN, str(head.run(model)), _payload(model, head, parts))
        if not started.used_up:
            return Ensured.STARTED if started is Start.STARTED else Ensured.RUNNING
        # An execution that died before Claim costs an attempt; one that somebody stopped says nothing of the next.
        parts.ledger.next_attempt(model, head, died=started is Start.ENDED)
        head = parts.ledger.head(model)
    raise RuntimeError(f"the head of {model} changes again and again; trying again later")


def _blown(model: str, head: Head, known: Deferral | None, parts: Dispatcher) -> bool:
    """Whether runs die as soon as they start, so that more of them would only burn; then that is written down.

    What arrives waits with the rest. Whoever asks for a retrain, or deploys other code, has it tried anew.
    """
    if head.stillborn < STILLBIRTHS:
        return False
    reason = (
        f"{STILLBIRTHS} executions died one after the other before they had claimed anything: mend the cause, "
        f"then `retide retrain --model {model}`"
    )
    if known is None or known.delay is not Delay.FUSE:
        parts.ledger.defer(model, Deferral(Delay.FUSE, reason, parts.now()))
    return True


def _payload(model: str, head: Head, parts: Dispatcher) -> dict[str, object]:
    return {
        "model": model,
        "generation": head.generation,
        "attempt": head.attempt,
        "run": str(head.run(model)),
        "settle_seconds": parts.catalogue[model].contract.policy.settle_seconds,
    }


def _worth_a_run(model: str, waiting: Waiting, ledger: Ledger) -> bool:
    """New code alone starts nothing before the first data came: its request waits for that."""
    only_code = not waiting.objects and all(wish.cause is Cause.CODE for wish in waiting.requests)
    return waiting.fresh and not (only_code and not ledger.accepted(model))


def _deferred(model: str, waiting: Waiting, head: Head, known: Deferral | None, parts: Dispatcher) -> bool:
    """Whether the run must wait; then the reason is written down. A person who asks waits for no budget."""
    now = parts.clock.now()
    if known is not None and known.delay is Delay.QUOTA and datetime.fromisoformat(known.until) > now:
        return True
    person = any(wish.cause is Cause.PERSON for wish in waiting.requests)
    spent, most = _spent(head, now), parts.catalogue[model].contract.policy.runs_per_day
    if person or spent < most:
        return False
    tomorrow = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0).isoformat()
    if known is None or (known.delay, known.until) != (Delay.BUDGET, tomorrow):
        reason = f"{spent} runs began today, and the contract allows {most} (policy.runs_per_day)"
        parts.ledger.defer(model, Deferral(Delay.BUDGET, reason, parts.now(), tomorrow))
    return True


def _spent(head: Head, now: datetime) -> int:
    return head.runs_on(now.isoformat()[:DAY])
