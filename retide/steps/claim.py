"""Claim: take the model's lease and everything that waits for the model."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from retide.domain import layout
from retide.domain.contract import Contract
from retide.domain.events import retrain_message
from retide.domain.layout import RunId
from retide.domain.ledger import Cause, ClaimedObject, Head, RunRecord, Waiting
from retide.domain.record import RUNNING
from retide.domain.sizes import Bounds
from retide.domain.uniqueness import everywhere
from retide.ledger import Ledger
from retide.ports import Clock, Executions, Objects, Queue
from retide.steps.take_over import Survivors, bury

TRIES: Final = 5


class Outcome(StrEnum):
    CLAIMED = "claimed"
    NOTHING = "nothing"
    LOST = "lost"


class Spread(StrEnum):
    """Over what the objects are spread: a Map inside the execution, or one whose items are executions of their own."""

    INLINE = "inline"
    DISTRIBUTED = "distributed"


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
    """`objects` are ids; those of a distributed Map stand in S3 under `list` instead, beside whether each needs a job.

    `concurrency` is how many of them are judged at once.
    """

    outcome: Outcome
    fence: int = 0
    objects: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()
    spread: Spread = Spread.INLINE
    list: str = ""
    concurrency: int = 1


@dataclass(frozen=True, slots=True)
class Claiming:
    """The ports that claiming works with, the model's contract, and the commit that runs."""

    ledger: Ledger
    executions: Executions
    objects: Objects
    queue: Queue
    clock: Clock
    contract: Contract
    bounds: Bounds
    commit: str


def claim(request: ClaimRequest, parts: Claiming) -> ClaimResult:
    ledger, bounds = parts.ledger, parts.bounds
    fence = _take_lease(request, ledger, parts.executions)
    if fence is None:
        return ClaimResult(Outcome.LOST)
    record = ledger.run(request.run)
    if record is None:
        _bury(request.run, fence, Survivors(ledger, parts.executions, parts.clock))
        waiting = ledger.waiting(request.model)
        if not waiting:
            return _nothing(request, fence, ledger, parts.queue)
        waiting = replace(waiting, objects=waiting.objects[: bounds.objects])
        record = _claim_all(request, fence, waiting, ledger, _record(request, parts.clock, parts.commit))
    result = ClaimResult(
        Outcome.CLAIMED, fence, record.objects, record.causes, concurrency=_at_once(parts.contract, bounds)
    )
    return _spread(result, request.run, ledger.claimed(request.run).objects, parts)


def _at_once(contract: Contract, bounds: Bounds) -> int:
    """What is unique across objects is compared with what was accepted before: one object after the other."""
    return 1 if everywhere(contract) else bounds.concurrency


def _spread(result: ClaimResult, run: RunId, claimed: tuple[ClaimedObject, ...], parts: Claiming) -> ClaimResult:
    """Many objects, or any that needs a job, get executions of their own: one history has room for 25,000 events."""
    large = {item.id for item in claimed if parts.bounds.needs_job(item.key, item.size)}
    if len(claimed) <= parts.bounds.inline and not large:
        return result
    key = layout.run(str(run), run.model, "objects.json")
    items = [{"object": item.id, "large": item.id in large} for item in claimed]
    parts.objects.put(key, json.dumps(items).encode())
    return replace(result, objects=(), spread=Spread.DISTRIBUTED, list=key)


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
    ledger.claim_objects(request.run, waiting.objects, fence)
    for wish in waiting.requests:
        ledger.claim_request(request.run, wish, fence)
    full = replace(record, objects=tuple(version.id for version in waiting.objects), requests=waiting.requests)
    ledger.begin_run(full, fence)
    return full


def _bury(run: RunId, fence: int, parts: Survivors) -> None:
    """Attempts that died with the lease could not say so themselves; what they were to do is this run's now."""
    for earlier in parts.ledger.attempts(run.model, run.generation):
        if earlier.state == RUNNING and earlier.run != str(run):
            bury(RunId.parse(earlier.run), earlier.execution, fence, parts)
