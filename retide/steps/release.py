"""Release: write the run's record, hand back what it could not finish, free the lease, see to a successor."""

from __future__ import annotations

from dataclasses import dataclass

from retide.domain.events import retrain_message
from retide.domain.layout import ObjectVersion, RunId
from retide.domain.ledger import Cause, ObjectRecord, RunRecord
from retide.domain.record import RUNNING, Documents, Failure, Plan, Record, Registration, Verdict, complete
from retide.ledger import Ledger
from retide.ports import Clock, Executions, Objects, Queue
from retide.steps import documents

FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ReleaseRequest:
    run: str
    fence: int
    execution: str
    outcome: str
    error: Failure | None = None


@dataclass(frozen=True, slots=True)
class ReleaseResult:
    outcome: str


def release(
    request: ReleaseRequest, *, ledger: Ledger, objects: Objects, executions: Executions, queue: Queue, clock: Clock
) -> ReleaseResult:
    """A retry finds what the call before it had done: the record ended, the lease free, and goes on from there."""
    run = RunId.parse(request.run)
    record = ledger.run(run)
    if record is None:
        raise LookupError(f"run {run} has claimed nothing, so there is nothing to release")
    if record.state == RUNNING:
        _end(request, run, record, ledger, objects, executions, clock)
    if ledger.head(run.model).owner == request.execution:
        ledger.free_lease(run.model, request.fence, again=request.outcome == FAILED)
    if ledger.waiting(run.model).fresh:
        queue.send(retrain_message(run.model, Cause.SUCCESSOR, f"arrived during run {run}", f"after-{run}"))
    return ReleaseResult(request.outcome)


def _end(
    request: ReleaseRequest,
    run: RunId,
    record: RunRecord,
    ledger: Ledger,
    objects: Objects,
    executions: Executions,
    clock: Clock,
) -> None:
    claimed = _objects(ledger, run, record)
    ledger.unclaim(run, tuple(ObjectVersion(item.key, item.version) for item in claimed), request.fence)
    for wish in record.requests:
        ledger.finish_request(run, wish, request.fence)
    now = _objects(ledger, run, record)
    written = _documents(objects, run, request)
    steps = executions.steps(request.execution)
    ended = complete(record, request.outcome, written, now, steps, clock.now().isoformat(timespec="milliseconds"))
    whole = Record(ended, now, written.plan, written.verdict, written.registration)
    documents.write(objects, run, "record.json", whole)
    ledger.write_run(ended, request.fence)


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
