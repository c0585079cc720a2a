"""Roll back: a version that serves is withdrawn for good, so that the one before it is the one to be served."""

from __future__ import annotations

from typing import Final

from retide.domain import rollout
from retide.domain.environment import package_group_name
from retide.domain.events import RollbackAsked
from retide.domain.untrusted import UnknownMessage
from retide.ports import Status
from retide.steps.dispatcher import Dispatcher
from retide.steps.ensure_rollout import KNOWN, serve_newest
from retide.steps.settle_approval import revoke

ROLLBACK: Final = "rollback"
type Versions = tuple[tuple[int, str, Status], ...]


def roll_back(asked: RollbackAsked, parts: Dispatcher) -> str:
    """Withdraw what is newer than the version wanted, mark it in the registry, and have what is left served.

    The withdrawal alone decides: a rollout that is lost after it is started by the reconciler. A second delivery finds
    the version withdrawn, and only looks after what may be lost. Raises UnknownMessage.
    """
    stands = parts.ledger.endpoint(asked.model)
    if stands.version != asked.served:
        return KNOWN  # done already, or overtaken by a version that nobody asked to withdraw
    versions: Versions = tuple(parts.registry.versions(package_group_name(parts.stage, asked.model)))
    again = stands.version in stands.withdrawn
    if not again:
        _check(asked, versions, parts)
        newer = (version for version, _, _ in versions if asked.to < version <= asked.served)
        parts.ledger.withdraw_versions(asked.model, newer, asked.reason)
    _mark(asked, versions, parts)
    serve_newest(asked.model, parts)
    return KNOWN if again else ROLLBACK


def _check(asked: RollbackAsked, versions: Versions, parts: Dispatcher) -> None:
    approved = tuple(version for version, _, status in versions if status is Status.APPROVED)
    stands, releases = parts.ledger.endpoint(asked.model), parts.ledger.releases(asked.model)
    possible = rollout.versions_before(stands, approved, releases)
    if asked.to not in possible:
        known = ", ".join(map(str, possible)) or "none"
        raise UnknownMessage(f"version {asked.to} cannot serve again; those that served and may: {known}")


def _mark(asked: RollbackAsked, versions: Versions, parts: Dispatcher) -> None:
    """Whoever looks at the registry sees that an approval does not hold any more."""
    withdrawn = parts.ledger.endpoint(asked.model).withdrawn
    for version, arn, status in versions:
        if asked.to < version <= asked.served and version in withdrawn and status is Status.APPROVED:
            why = f"withdrawn: {asked.reason}"
            revoke(asked.model, arn, "a rollback", why, ledger=parts.ledger, registry=parts.registry)
