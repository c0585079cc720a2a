"""Claim: take the model's lease and everything that waits for the model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from retide.domain.events import retrain_message
from retide.domain.layout import RunId
from retide.domain.ledger import Cause, Head, RunRecord, Waiting
from retide.domain.record import RUNNING
from retide.ledger import Ledger
from retide.ports import Clock, Executions, Queue
from retide.steps.take_over import Survivors, bury

LIMIT: Final = 500  # objects of one run: a Map in a payload of 256 KiB and a history of 25,000 events
TRIES: Final = 5


class Outcome(StrEnum):
    CLAIMED = "claimed"
    NOTHING = "nothing"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class ClaimRequest:
    model: str
    generation: int
    attempt: int
    execution: str

    @property
    def run(self) -> RunId:
        return RunId(self.model, self.generation, self.attempt)


@dataclass(frozen=True, slots=True)
class ClaimResult:
    outcome: Outcome
    fence: int = 0
    objects: tuple[int, ...] = ()
    causes: tuple[str, ...] = ()


def claim(
    request: ClaimRequest, *, ledger: Ledger, executions: Executions, queue: Queue, clock: Clock, commit: str
) -> ClaimResult:
    fence = _take_lease(request, ledger, executions)
    if fence is None:
        return ClaimResult(Outcome.LOST)
    record = ledger.run(request.run)
    if record is None:
        _bury(request.run, fence, Survivors(ledger, executions, clock))
        waiting = ledger.waiting(request.model)
        if not waiting:
            return _nothing(request, fence, ledger, queue)
        record = _claim_all(request, fence, waiting, ledger, _record(request, clock, commit))
    return ClaimResult(Outcome.CLAIMED, fence, tuple(range(len(record.objects))), record.causes)


def _record(request: ClaimRequest, clock: Clock, commit: str) -> RunRecord:
    started = clock.now().isoformat(timespec="milliseconds")
    return RunRecord(str(request.run), request.execution, RUNNING, started, commit=commit)


def _take_lease(request: ClaimRequest, ledger: Ledger, executions: Executions) -> int | None:
    """The fencing token; None where the lease is held by a run that lives, or this run is not the next one."""
    for _ in range(TRIES):
        head = ledger.head(request.model)
        if head.owner == request.execution:
            return head.token
        if head.run(request.model) != request.run or _lives(head, executions):
            return None
        token = ledger.take_lease(request.model, head, request.execution)
        if token is not None:
            return token
    return None


def _lives(head: Head, executions: Executions) -> bool:
    """A lease is void once its owner does not run any more: no clock decides about that."""
    return head.owner is not None and executions.running(head.owner)


def _nothing(request: ClaimRequest, fence: int, ledger: Ledger, queue: Queue) -> ClaimResult:
    """End before doing anything; what arrived since we looked took this run for the one that brings it in."""
    ledger.free_lease(request.model, fence, again=True)
    if ledger.waiting(request.model):
        queue.send(retrain_message(request.model, Cause.SUCCESSOR, "arrived while a run ended", f"after-{request.run}"))
    return ClaimResult(Outcome.NOTHING)


def _claim_all(request: ClaimRequest, fence: int, waiting: Waiting, ledger: Ledger, record: RunRecord) -> RunRecord:
    objects = waiting.objects[:LIMIT]
    ledger.claim_objects(request.run, objects, fence)
    for wish in waiting.requests:
        ledger.claim_request(request.run, wish, fence)
    full = replace(record, objects=tuple(version.id for version in objects), requests=waiting.requests)
    ledger.begin_run(full, fence)
    return full


def _bury(run: RunId, fence: int, parts: Survivors) -> None:
    """Attempts that died with the lease could not say so themselves; what they were to do is this run's now."""
    for earlier in parts.ledger.attempts(run.model, run.generation):
        if earlier.state == RUNNING and earlier.run != str(run):
            bury(RunId.parse(earlier.run), earlier.execution, fence, parts)
