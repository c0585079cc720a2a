"""Ensure rollout: start a rollout of the version that should be served, once for each reason to."""

from __future__ import annotations

from itertools import count, islice
from typing import Final

from retide.domain.environment import package_group_name
from retide.domain.ledger import Release
from retide.domain.rollout import Verdict, to_serve
from retide.ports import Machine, Start, Status
from retide.steps.dispatcher import Dispatcher

TRIES: Final = 20
SECONDS: Final = len("2026-01-01T00:00:00")  # as far as the times of EventBridge go
KNOWN: Final = "known"
STARTED: Final = "rollout"
NOTHING: Final = "nothing to roll out"


def serve_newest(model: str, parts: Dispatcher) -> str:
    """Serve the newest approved package that was not withdrawn, also where it was deployed and serves no more."""
    due = due_rollout(model, parts)
    return start_rollout(model, *due, parts) if due else NOTHING


def due_rollout(model: str, parts: Dispatcher) -> tuple[int, str] | None:
    """The version that is to be served next, and its package's ARN."""
    stands, releases = parts.ledger.endpoint(model), parts.ledger.releases(model)
    arns: dict[int, str] = {}
    for version, arn, status in parts.registry.versions(package_group_name(parts.stage, model)):
        if status is Status.APPROVED and version not in stands.withdrawn:
            arns[version] = arn
            if to_serve(arns, stands, releases) in arns:
                break
    due = to_serve(arns, stands, releases)
    return (due, arns[due]) if due in arns else None


def start_rollout(model: str, version: int, arn: str, parts: Dispatcher, approved_at: str = "") -> str:
    """Start the first attempt whose end is not recorded.

    With `approved_at`, one that ended later than that was this approval's: it is known. Without it, a rollout was
    asked for as such, so that any end may be followed by another attempt.
    """
    endpoint = parts.ledger.endpoint(model)
    if version < endpoint.standing or version in endpoint.withdrawn or (approved_at and version == endpoint.version):
        return KNOWN
    ended = {found.attempt: found for found in parts.ledger.releases(model) if found.version == version}
    if approved_at and any(_answers(found, approved_at) for found in ended.values()):
        return KNOWN
    free = (attempt for attempt in count(1) if attempt not in ended)
    for attempt in islice(free, TRIES):
        payload = {"model": model, "version": version, "package_arn": arn, "attempt": attempt}
        started = parts.executions.start(Machine.ROLLOUT, f"{model}-v{version}-{attempt}", payload)
        if not started.used_up:
            return STARTED if started is Start.STARTED else KNOWN
        reason = "its execution ended before anybody could record how"
        unrecorded = Release(version, attempt, arn, Verdict.FAILED.value, reason, parts.now())
        parts.ledger.note_release(model, unrecorded)
    raise RuntimeError(f"{TRIES} names of rollouts of {model} version {version} are used up; trying again later")


def _answers(ended: Release, approved_at: str) -> bool:
    """Whether this attempt was that approval's."""
    return ended.verdict != Verdict.WAITING and ended.at[:SECONDS] > approved_at[:SECONDS]
