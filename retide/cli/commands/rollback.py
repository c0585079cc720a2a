"""`retide rollback`: the version before serves again, and the one that served never does."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Annotated

import typer

from retide.cli.commands.decisions import who
from retide.cli.failures import CliError
from retide.cli.following import follow
from retide.cli.options import DEV, StageName, TargetName, open_stage
from retide.cli.output import out
from retide.cli.stage import Stage
from retide.domain import rollout
from retide.domain.environment import package_group_name
from retide.domain.events import rollback_message
from retide.domain.ledger import EndpointRecord, Release
from retide.ports import Status

Versions = tuple[tuple[int, str, Status], ...]


def rollback(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="The model whose endpoint goes back.")],
    to: Annotated[
        int | None, typer.Option("--to", metavar="VERSION", min=1, help="Default: the one that served before.")
    ] = None,
    reason: Annotated[str, typer.Option("--reason", "-r", help="Kept with the decision, and with the version.")] = "",
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Follow it until nothing moves.")] = False,
    stage: StageName = DEV,
    target: TargetName = None,
) -> None:
    """Serve an earlier version again. What served is withdrawn: it is never deployed again, by nobody."""
    opened = open_stage(stage, target)
    group = package_group_name(opened.name, opened.model(model))
    versions = tuple(opened.registry.versions(group))
    stands = opened.ledger.endpoint(model)
    wanted = chosen(model, to, stands, versions, opened.ledger.releases(model))
    since, why = datetime.now(UTC), reason or f"rolled back by {who()}"
    opened.queue.send(rollback_message(model, stands.version, wanted, why, f"person-{uuid.uuid4()}"))
    gone = ", ".join(str(version) for version, *_ in reversed(versions) if wanted < version <= stands.version)
    out().print(f"asked that {model} version {wanted} serve again; withdrawn for good: {gone}", markup=False)
    if watch:
        follow(opened, (model,), since, also=lambda: _ended(opened, model, stands.version))
        _tell(opened, model, wanted)


def chosen(
    model: str, to: int | None, stands: EndpointRecord, versions: Versions, releases: tuple[Release, ...]
) -> int:
    """The version to go back to; raises CliError where there is none, or a newer one is on its way to the endpoint."""
    if not stands.standing:
        why = f"version {stands.version} was withdrawn already" if stands.version else "nothing was deployed yet"
        raise CliError(f"{model} cannot go back: {why}")
    approved = tuple(version for version, _, status in versions if status is Status.APPROVED)
    coming = [version for version in approved if version > stands.version and version not in stands.withdrawn]
    if coming:
        raise CliError(
            f"{model} version {max(coming)} is approved and on its way to the endpoint: `retide reject "
            f"{model}@{max(coming)}` first, or wait until it serves and go back from it"
        )
    possible = rollout.versions_before(stands, approved, releases)
    if to in possible:
        return to
    if to is None and possible:
        return possible[0]
    known = ", ".join(map(str, possible)) or "none"
    meant = f"cannot go back to version {to}" if to else f"cannot go back from version {stands.version}"
    raise CliError(f"{model} {meant}; versions that served before it, are approved and not withdrawn: {known}")


def _ended(stage: Stage, model: str, served: int) -> bool:
    """The message was taken, and nothing changes the endpoint any more."""
    stands = stage.ledger.endpoint(model)
    return served in stands.withdrawn and stands.owner is None and (stands.version != served or not stands.standing)


def _tell(stage: Stage, model: str, wanted: int) -> None:
    serves = stage.ledger.endpoint(model).version
    if serves != wanted:
        raise CliError(f"{model} serves version {serves}, and not {wanted}: `retide explain {model}` says why")
    out().print(f"{model} serves version {wanted}", markup=False)
