"""Commands of a person who decides: `retrain`, `approve` and `reject`."""

from __future__ import annotations

import getpass
import uuid
from datetime import UTC, datetime
from typing import Annotated

import typer

from retide.cli.failures import CliError, UsageProblem
from retide.cli.following import follow
from retide.cli.options import DEV, ModelName, StageName, TargetName, open_stage
from retide.cli.output import out
from retide.cli.stage import Stage
from retide.domain.environment import package_group_name
from retide.domain.events import retrain_message, rollout_message
from retide.domain.ledger import Cause, EndpointRecord, Means
from retide.ports import Status
from retide.steps.settle_approval import STANDINGS, STATUSES, Decision, Settled, Settlement, settle_approval

Which = Annotated[str, typer.Argument(metavar="MODEL[@VERSION]", help="Without a version: the newest that waits.")]
Reason = Annotated[str, typer.Option("--reason", "-r", help="Kept with the decision.")]
Follow = Annotated[bool, typer.Option("--watch", "-w", help="Follow what comes of it until nothing moves.")]


def retrain(
    model: ModelName,
    reason: Reason = "",
    watch: Follow = False,
    stage: StageName = DEV,
    target: TargetName = None,
) -> None:
    """Ask for a retrain on the data there is; it is judged like any other."""
    opened = open_stage(stage, target)
    opened.model(model)
    since, key = datetime.now(UTC), f"person-{uuid.uuid4()}"
    opened.queue.send(retrain_message(model, Cause.PERSON, reason or f"asked by {who()}", key))
    out().print(f"asked for a retrain of {model}", markup=False)
    if watch:
        follow(opened, (model,), since, also=lambda: answered(opened, model, key))


def approve(
    which: Which,
    reason: Reason = "",
    watch: Follow = False,
    stage: StageName = DEV,
    target: TargetName = None,
) -> None:
    """Approve a registered model: it is rolled out at once. One that is approved already is tried again."""
    _judge(which, Status.APPROVED, reason, watch=watch, stage=stage, target=target)


def reject(which: Which, reason: Reason = "", stage: StageName = DEV, target: TargetName = None) -> None:
    """Reject a registered model: it will not be served. A version that serves already goes on serving."""
    _judge(which, Status.REJECTED, reason, watch=False, stage=stage, target=target)


def answered(stage: Stage, model: str, key: str) -> bool:
    """Whether a run that has ended took this request upon itself."""
    return any(
        run.ended_at is not None and key in {request.key for request in run.requests}
        for run in stage.ledger.runs(model)
    )


def _judge(which: str, status: Status, reason: str, *, watch: bool, stage: str, target: str | None) -> None:
    model, wanted = parse_which(which)
    opened = open_stage(stage, target)
    group = package_group_name(opened.name, opened.model(model))
    version, arn, present = find(tuple(opened.registry.versions(group)), model, wanted)
    since = datetime.now(UTC)
    standing, means = STANDINGS[status], Means.COMMAND
    # Who looked when it waited decides about what waits: what somebody else decides meanwhile is told, not overruled.
    revise = present is not Status.PENDING
    said = reason or f"{standing.value} by {who()}"
    decision = Decision(model, version, arn, standing, means, who(), said, revise=revise)
    settlement = settle_approval(decision, ledger=opened.ledger, registry=opened.registry)
    out().print(told(model, version, present, settlement), markup=False)
    said = consequence(version, status, opened.ledger.endpoint(model))
    if said:
        out().print(said, markup=False)
    if present is status is Status.APPROVED:
        opened.queue.send(rollout_message(model, f"person-{uuid.uuid4()}"))
        out().print("asked that the newest approved version be served, where it is not", markup=False)
    if watch:
        follow(opened, (model,), since)


def told(model: str, version: int, present: Status, settlement: Settlement) -> str:
    """What came of the decision; raises CliError where somebody else was first."""
    stands = settlement.stands
    if settlement.settled is Settled.OVERTAKEN:
        raise CliError(
            f"{model} version {version} was {stands} a moment ago: nothing was changed; say it again to overrule that"
        )
    if settlement.settled is Settled.KNOWN:
        return f"{model} version {version} is {STATUSES[stands.standing].value} already"
    return f"{model} version {version} is now {STATUSES[stands.standing].value} (it was {present.value})"


def consequence(version: int, status: Status, stands: EndpointRecord) -> str:
    """What the decision does not bring about, where a person may expect it; empty for nothing."""
    if status is Status.REJECTED:
        return "it goes on serving until a newer version is approved" if stands.version == version else ""
    if version in stands.withdrawn:
        return "it was withdrawn and never serves again: retrain for another version"
    if version < stands.version:
        return f"version {stands.version}, which is newer, was deployed: an older one does not take its place"
    return ""


def find(versions: tuple[tuple[int, str, Status], ...], model: str, wanted: int | None) -> tuple[int, str, Status]:
    """The package asked for, or the newest that waits; raises CliError naming what there is."""
    fits = (one for one in versions if (one[0] == wanted if wanted else one[2] is Status.PENDING))
    found = next(fits, None)
    if found:
        return found
    there = ", ".join(f"{version} ({status.value})" for version, _, status in versions) or "none yet"
    missing = f"has no version {wanted}" if wanted else "has no version that waits for approval"
    raise CliError(f"{model} {missing}; versions: {there}")


def parse_which(which: str) -> tuple[str, int | None]:
    model, at, version = which.partition("@")
    if not at:
        return model, None
    digits = version.removeprefix("v")
    if not digits.isascii() or not digits.isdigit() or int(digits) == 0:
        raise UsageProblem(f"{version!r} is not a version: write {model}@3")
    return model, int(digits)


def who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "a person"
