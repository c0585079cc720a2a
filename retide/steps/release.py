"""Release: write the run's record, hand back what it could not finish, free the lease, see to a successor."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from retide.domain.contract import Contract
from retide.domain.events import retrain_message
from retide.domain.intake import QUOTA_PAUSE, Deferral, Delay
from retide.domain.layout import RunId
from retide.domain.ledger import Cause, ObjectRecord, Request, RunRecord, Standing
from retide.domain.notice import run_ended
from retide.domain.record import (
    FAILED,
    RUNNING,
    UNFINISHED,
    WAITING_FOR_QUOTA,
    Documents,
    Failure,
    Plan,
    Record,
    Registration,
    Verdict,
    complete,
)
from retide.ledger import Ledger
from retide.ports import Clock, Executions, Notices, Objects, Queue
from retide.steps import documents
from retide.steps.erase import mark_datasets
from retide.steps.links import Links

INTOLERABLE: Final = "States.ExceedToleratedFailureThreshold"  # an item of a distributed Map failed


@dataclass(frozen=True, slots=True)
class ReleaseRequest:
    """`error` is what the state machine caught, where the run did not come to its end."""

    run: str
    fence: int
    execution: str
    outcome: str
    error: Failure | None = None

    @property
    def ending(self) -> str:
        """The outcome; of a failure, which one it is."""
        return self.error.outcome if self.error and self.outcome == FAILED else self.outcome


@dataclass(frozen=True, slots=True)
class ReleaseResult:
    outcome: str


@dataclass(frozen=True, slots=True)
class Releasing:
    """The ports that releasing works with, and the stage's name, for those who are told."""

    ledger: Ledger
    objects: Objects
    executions: Executions
    queue: Queue
    notices: Notices
    clock: Clock
    stage: str
    links: Links
    contract: Contract


def release(request: ReleaseRequest, parts: Releasing) -> ReleaseResult:
    """A retry finds what the call before it had done: the record ended, the lease free, and goes on from there."""
    request = _told_by_an_item(request, parts.executions)
    run, ledger, ending = RunId.parse(request.run), parts.ledger, request.ending
    record = ledger.run(run)
    if record is None:
        raise LookupError(f"run {run} has claimed nothing, so there is nothing to release")
    if record.state == RUNNING:
        record = _end(request, run, record, parts)
    if ledger.head(run.model).owner == request.execution:
        counted = ending != WAITING_FOR_QUOTA
        ledger.free_lease(run.model, request.fence, again=ending in UNFINISHED, counted=counted)
    if ledger.glance(run.model).fresh and ending != WAITING_FOR_QUOTA:
        parts.queue.send(retrain_message(run.model, Cause.SUCCESSOR, f"arrived during run {run}", f"after-{run}"))
    parts.notices.publish(*run_ended(parts.stage, record, _links(run.model, record, parts)))
    return ReleaseResult(ending)


def _links(model: str, record: RunRecord, parts: Releasing) -> tuple[str, ...]:
    """For who is to approve; none where nobody must, or somebody has."""
    version = (record.package or "").rpartition("/")[2]
    asked = parts.ledger.approval(model, int(version)) if version else None
    if asked is None or asked.standing is not Standing.AWAITING:
        return ()
    return parts.links.of(model, asked, parts.contract)


def _told_by_an_item(request: ReleaseRequest, executions: Executions) -> ReleaseRequest:
    """Of a Map whose items are executions of their own only the item that failed says why."""
    if request.error is None or request.error.Error != INTOLERABLE:
        return request
    return replace(request, error=executions.failed_item(request.execution) or request.error)


def _end(request: ReleaseRequest, run: RunId, record: RunRecord, parts: Releasing) -> RunRecord:
    ledger, now = parts.ledger, parts.clock.now()
    if request.ending == WAITING_FOR_QUOTA:
        _queue_again(request, run, now, parts)
    ledger.give_back(run, request.fence, tried=request.ending != WAITING_FOR_QUOTA)
    for wish in record.requests if request.ending != WAITING_FOR_QUOTA else ():
        ledger.finish_request(run, wish, request.fence)
    claimed = _objects(ledger, run, record)
    written = _documents(parts.objects, run, request)
    steps = parts.executions.steps(request.execution)
    ended = complete(record, request.ending, written, claimed, steps, now.isoformat(timespec="milliseconds"))
    whole = Record(ended, claimed, written.plan, written.verdict, written.registration)
    documents.write(parts.objects, run, "record.json", whole)
    mark_datasets(run.model, [ended.dataset] if ended.dataset else [], ledger, parts.objects)
    ledger.write_run(ended, request.fence)
    return ended


def _queue_again(request: ReleaseRequest, run: RunId, now: datetime, parts: Releasing) -> None:
    """Out of quota is no failure: all that the run was to do waits a while, and is tried again."""
    reason = request.error.words if request.error else "SageMaker has no room"
    at = now.isoformat(timespec="microseconds")
    parts.ledger.give_back_requests(run, request.fence)
    parts.ledger.ask(run.model, Request(f"retry-{run}", Cause.RETRY, f"run {run} found no quota", at))
    parts.ledger.defer(run.model, Deferral(Delay.QUOTA, reason, at, (now + QUOTA_PAUSE).isoformat()))


def _objects(ledger: Ledger, run: RunId, record: RunRecord) -> tuple[ObjectRecord, ...]:
    found = (ledger.object(run.model, name) for name in record.objects)
    return tuple(item for item in found if item is not None)


def _documents(objects: Objects, run: RunId, request: ReleaseRequest) -> Documents:
    return Documents(
        plan=documents.find(Plan, objects, run, "plan.json"),
        verdict=documents.find(Verdict, objects, run, "decision.json"),
        registration=documents.find(Registration, objects, run, "registration.json"),
        failure=request.error or (Failure() if request.outcome == FAILED else None),
    )
