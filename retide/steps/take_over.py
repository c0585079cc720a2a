"""Take over: a run or a rollout that died holding a lease is recorded as dead, and what it held is free again."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from retide.domain.layout import RunId
from retide.domain.ledger import Cause, Release, Request, RunRecord, Step
from retide.domain.record import DIED, RUNNING, STOPPED, TIMED_OUT
from retide.domain.rollout import Verdict
from retide.ports import ExecutionStatus
from retide.steps.dispatcher import Dispatcher

HEIR: Final = "heir-of/"  # before the ARN of a dead execution: a lease that is being taken over
DEATHS: Final = 3  # of attempts at one generation, after which it needs somebody
ENDINGS: Final = {ExecutionStatus.ABORTED: STOPPED, ExecutionStatus.TIMED_OUT: TIMED_OUT}


def take_over_run(model: str, parts: Dispatcher) -> str:
    """What was done, in words; empty where nobody died. Whoever dies in here is taken over by the next call."""
    head = parts.ledger.head(model)
    if head.owner is None or parts.executions.running(head.owner):
        return ""
    dead = head.owner.removeprefix(HEIR)
    fence = parts.ledger.take_lease(model, head, f"{HEIR}{dead}")
    if fence is None:
        return ""
    run, status = head.run(model), parts.executions.status(dead)
    record = parts.ledger.run(run)
    hopeless = _hopeless(run, status, parts)
    parts.ledger.give_back(run, fence, tried=bool(hopeless))
    if record is not None and record.state == RUNNING:
        _end(run, record, fence, status, hopeless, parts)
    parts.ledger.free_lease(model, fence, again=True)
    return f"run {run} died ({status}): {hopeless or 'it is tried again'}"


def _hopeless(run: RunId, status: ExecutionStatus, parts: Dispatcher) -> str:
    """Why what a dead run was to do is not tried again by itself; empty where it is."""
    if status is ExecutionStatus.ABORTED:
        return "somebody stopped it, so that nothing is tried again before something new comes"
    dead = [earlier for earlier in parts.ledger.attempts(run.model, run.generation) if earlier.state == DIED]
    if len({*(earlier.run for earlier in dead), str(run)}) >= DEATHS:
        return f"{DEATHS} attempts died one after the other, so that somebody must look into it"
    return ""


def _end(run: RunId, record: RunRecord, fence: int, status: ExecutionStatus, hopeless: str, parts: Dispatcher) -> None:
    """What it was asked for is asked for again, or ends with it."""
    ledger, reason = parts.ledger, f"its execution ended as {status} without releasing the lease"
    if hopeless:
        for wish in record.requests:
            ledger.finish_request(run, wish, fence)
    else:
        ledger.give_back_requests(run, fence)
        ledger.ask(run.model, Request(f"retry-{run}", Cause.RETRY, f"run {run} died: {reason}", parts.now()))
    reasons = (f"{reason}; {hopeless}" if hopeless else f"{reason}; the next attempt goes on with its work",)
    ended = replace(
        record, state=DIED, outcome=ENDINGS.get(status, DIED), reasons=reasons, ended_at=parts.now(),
        steps=_steps(record.execution, status, parts),
    )  # fmt: skip
    ledger.write_run(ended, fence)


def _steps(execution: str, status: ExecutionStatus, parts: Dispatcher) -> tuple[Step, ...]:
    return () if status is ExecutionStatus.GONE else parts.executions.steps(execution)


def free_endpoint(model: str, parts: Dispatcher) -> str:
    """What was done about an endpoint whose rollout died, in words; empty where none did."""
    stands = parts.ledger.endpoint(model)
    if stands.owner is None or parts.executions.running(stands.owner):
        return ""
    dead = stands.owner.removeprefix(HEIR)
    fence = parts.ledger.take_endpoint(model, stands, f"{HEIR}{dead}")
    if fence is None:
        return ""
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
