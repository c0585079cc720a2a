"""Settle approval: decide about a registered version, once; of two who decide at once, one is told of the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from retide.domain.ledger import Approval, Means, Standing
from retide.ledger import Ledger
from retide.ports import Package, Registry, Status

STATUSES: Final = {Standing.APPROVED: Status.APPROVED, Standing.REJECTED: Status.REJECTED}
STANDINGS: Final = {
    Status.PENDING: Standing.AWAITING,
    Status.APPROVED: Standing.APPROVED,
    Status.REJECTED: Standing.REJECTED,
}
DELETED: Final = "its package was deleted from the registry"


class Settled(StrEnum):
    """What came of a decision: it stands; it stood before; or another one stands, made before it."""

    DECIDED = "decided"
    KNOWN = "decided so before"
    OVERTAKEN = "decided otherwise before"


@dataclass(frozen=True, slots=True)
class Decision:
    """`revise`: what was decided before may be changed; a person at the command line may, a link or a clock may not."""

    model: str
    version: int
    package: str
    standing: Standing
    means: Means
    by: str
    reason: str
    revise: bool = False


@dataclass(frozen=True, slots=True)
class Settlement:
    """`stands` is the decision that counts, whoever made it."""

    settled: Settled
    stands: Approval


def settle_approval(
    decision: Decision, *, ledger: Ledger, registry: Registry, before_closing: Callable[[Approval], None] | None = None
) -> Settlement:
    """The ledger says who was first, then the registry is told; who dies in between is completed by `complete`.

    `before_closing` is called with a decision of the same means before it is marked as done, so it is never left out.
    """
    present = registry.describe(decision.package)
    seen = stands(decision.model, present, ledger)

    def tell(made: Approval) -> None:
        if before_closing and made.means is decision.means:
            before_closing(made)

    if seen.standing is decision.standing:
        return Settlement(Settled.KNOWN, _tell_registry(decision.model, seen, present, ledger, registry, tell))
    if seen.standing is not Standing.AWAITING and not decision.revise:
        return Settlement(Settled.OVERTAKEN, seen)
    wanted = replace(seen, standing=decision.standing, means=decision.means, by=decision.by, reason=decision.reason)
    known = ledger.approval(decision.model, decision.version)
    made = ledger.decide_approval(decision.model, seen if known else None, wanted)
    if made is None:
        return _after(decision, ledger)
    return Settlement(Settled.DECIDED, _tell_registry(decision.model, made, present, ledger, registry, tell))


def _tell_registry(
    model: str,
    made: Approval,
    package: Package,
    ledger: Ledger,
    registry: Registry,
    tell: Callable[[Approval], None] = lambda _made: None,
) -> Approval:
    """The second half of a decision; nothing where it was done before."""
    if made.open and made.standing is not Standing.AWAITING:
        if STANDINGS[package.status] is not made.standing:
            registry.judge(made.package, STATUSES[made.standing], made.reason)
        tell(made)
        ledger.close_approval(model, made)
    return made


def _after(decision: Decision, ledger: Ledger) -> Settlement:
    """Somebody else decided between our look and our write."""
    first = ledger.approval(decision.model, decision.version)
    if first is None:
        raise LookupError(f"the record of {decision.model} version {decision.version} is gone: try again")
    return Settlement(Settled.KNOWN if first.standing is decision.standing else Settled.OVERTAKEN, first)


def stands(model: str, package: Package, ledger: Ledger) -> Approval:
    """What is decided about a version; what the registry says and the ledger does not was decided at the console.

    That is written down here, unless a decision of ours is on its way to the registry.
    """
    known = ledger.approval(model, package.version)
    said = as_told(known, package)
    if known is None or said is known:
        return said
    made = ledger.decide_approval(model, known, said)
    if made is None:
        return ledger.approval(model, package.version) or known
    if said.standing is not Standing.AWAITING:
        ledger.close_approval(model, made)
    return made


def as_told(known: Approval | None, package: Package) -> Approval:
    """What stands by ledger and registry together: `known` itself, or what only the registry says."""
    told = STANDINGS[package.status]
    if known is None:
        means = None if told is Standing.AWAITING else Means.CONSOLE
        run = package.facts.get("run", "")
        return Approval(package.version, package.arn, run, "", told, means, package.by, package.reason, open=False)
    if told is known.standing or (known.open and told in {known.before, Standing.AWAITING}):
        return known
    return replace(
        known,
        standing=told,
        means=Means.CONSOLE,
        by=package.by,
        reason=package.reason,
        decided_at="",
        reminded_at="",
    )


def complete(model: str, open_one: Approval, *, ledger: Ledger, registry: Registry) -> Approval:
    """Tell the registry of a decision whose maker died before it could; the approval as it stands then."""
    try:
        package = registry.describe(open_one.package)
    except LookupError:
        return _of_a_deleted(model, open_one, ledger)
    return _tell_registry(model, stands(model, package, ledger), package, ledger, registry)


def _of_a_deleted(model: str, known: Approval, ledger: Ledger) -> Approval:
    gone = replace(known, standing=Standing.REJECTED, means=Means.CONSOLE, reason=DELETED)
    made = ledger.decide_approval(model, known, gone) if known.standing is Standing.AWAITING else known
    if made is not None:
        ledger.close_approval(model, made)
    return made or known


def revoke(model: str, package: str, by: str, reason: str, *, ledger: Ledger, registry: Registry) -> None:
    """Reject a version whatever was decided about it before, by the rules of the system and no person's word."""
    version = int(package.rpartition("/")[2])
    decision = Decision(model, version, package, Standing.REJECTED, Means.POLICY, by, reason, revise=True)
    settle_approval(decision, ledger=ledger, registry=registry)
