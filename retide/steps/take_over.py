"""Take over: a run or a rollout that died holding a lease is recorded as dead, and what it held is free again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from retide.domain.environment import endpoint_name
from retide.domain.layout import RunId
from retide.domain.ledger import Cause, Release, Request, RunRecord
from retide.domain.record import DIED, RUNNING, STOPPED, TIMED_OUT
from retide.domain.rollout import Verdict
from retide.ledger import Ledger
from retide.ports import Clock, Executions, ExecutionStatus, Hosting, Kind
from retide.steps.dispatcher import Dispatcher

HEIR: Final = "heir-of/"  # before the ARN of a dead execution: a lease that is being taken over
DEATHS: Final = 3  # of attempts at one generation, after which it needs somebody
ENDINGS: Final = {ExecutionStatus.ABORTED: STOPPED, ExecutionStatus.TIMED_OUT: TIMED_OUT}


@dataclass(frozen=True, slots=True)
class Survivors:
    """The ports that a burial works with."""

    ledger: Ledger
    executions: Executions
    clock: Clock


def take_over_run(model: str, parts: Dispatcher) -> str:
    """What was done, in words; empty where nobody died. Whoever dies in here is taken over by the next call."""
    head = parts.ledger.head(model)
    if head.owner is None or parts.executions.running(head.owner):
        return ""
    dead = head.owner.removeprefix(HEIR)
    fence = parts.ledger.take_lease(model, head, f"{HEIR}{dead}")
    if fence is None:
        return ""
    run = RunId.parse(dead.rpartition(":")[2])
    unclaimed = parts.ledger.run(run) is None
    stillborn = unclaimed and parts.executions.status(dead) is not ExecutionStatus.ABORTED
    why = bury(run, dead, fence, Survivors(parts.ledger, parts.executions, parts.clock))
    if head.run(model) == run:
        parts.ledger.free_lease(model, fence, again=True, stillborn=stillborn)
    else:
        parts.ledger.drop_lease(model, fence)  # the next attempt has its name already, and may be on its way
    otherwise = "it had claimed nothing" if unclaimed else "it is tried again"
    return f"run {run} died ({parts.executions.status(dead)}): {why or otherwise}"


def bury(run: RunId, execution: str, fence: int, parts: Survivors) -> str:
    """Record a run as dead, and see to what it was to do; why that is not tried again, or empty where it is.

    To be called by whoever holds the model's lease, with its token; repeated, it says the same.
    """
    status, record = parts.executions.status(execution), parts.ledger.run(run)
    hopeless = _hopeless(run, status, parts.ledger)
    parts.ledger.give_back(run, fence, tried=bool(hopeless))
    if record is not None and record.state == RUNNING:
        _end(run, record, fence, status, hopeless, parts)
    return hopeless


def _hopeless(run: RunId, status: ExecutionStatus, ledger: Ledger) -> str:
    """Why what a dead run was to do is not tried again by itself; empty where it is."""
    if status is ExecutionStatus.ABORTED:
        return "somebody stopped it, so that nothing is tried again before something new comes"
    dead = {earlier.run for earlier in ledger.attempts(run.model, run.generation) if earlier.state == DIED}
    if len(dead | {str(run)}) >= DEATHS:
        return f"{DEATHS} attempts died one after the other, so that somebody must look into it"
    return ""


def _end(run: RunId, record: RunRecord, fence: int, status: ExecutionStatus, hopeless: str, parts: Survivors) -> None:
    """What it was asked for is asked for again, or ends with it."""
    ledger, reason = parts.ledger, f"its execution ended as {status} without releasing the lease"
    now = parts.clock.now()
    if hopeless:
        for wish in record.requests:
            ledger.finish_request(run, wish, fence)
    else:
        ledger.give_back_requests(run, fence)
        at = now.isoformat(timespec="microseconds")
        ledger.ask(run.model, Request(f"retry-{run}", Cause.RETRY, f"run {run} died: {reason}", at))
    ended = replace(
        record,
        state=DIED,
        outcome=ENDINGS.get(status, DIED),
        reasons=(f"{reason}; {hopeless or 'the next attempt goes on with its work'}",),
        ended_at=now.isoformat(timespec="milliseconds"),
        steps=() if status is ExecutionStatus.GONE else parts.executions.steps(record.execution),
    )
    ledger.write_run(ended, fence)


def free_endpoint(model: str, parts: Dispatcher, hosting: Hosting) -> str:
    """What was done about an endpoint whose rollout died, in words; empty where none did.

    Its trial endpoint goes while nobody else may make one; one that is still being made is left to the next rollout.
    """
    stands = parts.ledger.endpoint(model)
    if stands.owner is None or parts.executions.running(stands.owner):
        return ""
    dead = stands.owner.removeprefix(HEIR)
    fence = parts.ledger.take_endpoint(model, stands, f"{HEIR}{dead}")
    if fence is None:
        return ""
    for trial in hosting.names(Kind.ENDPOINT, endpoint_name(parts.stage, model)):
        hosting.delete(Kind.ENDPOINT, trial)
    version, attempt = _named(dead)
    known = parts.ledger.release(model, version, attempt)
    reason = f"its execution ended as {parts.executions.status(dead)} without recording how"
    ended = known or Release(version, attempt, "", Verdict.FAILED.value, reason, parts.now())
    parts.ledger.give_up(model, fence, ended, withdraw=False)
    return f"rollout {dead.rpartition(':')[2]} died: {reason}"


def _named(execution: str) -> tuple[int, int]:
    """Version and attempt of a rollout by its execution's name, <model>-v<version>-<attempt>."""
    _, version, attempt = execution.rpartition(":")[2].rsplit("-", 2)
    return int(version.removeprefix("v")), int(attempt)
