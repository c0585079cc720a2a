"""Answer link: what a link that decides about a version came to; looking at it changes nothing, only answering does."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from retide.domain.approval_link import NoTicket, Ticket, from_token
from retide.domain.environment import package_group_name
from retide.domain.ledger import Approval, Means, Standing
from retide.ledger import Ledger
from retide.ports import Clock, Package, Registry, Seals
from retide.steps.settle_approval import Decision, Settled, Settlement, settle_approval, stands


class Outcome(StrEnum):
    ASKED = "asked"
    DECIDED = "decided"
    KNOWN = "decided so before"
    OVERTAKEN = "decided otherwise before"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"
    INVALID = "invalid"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class LinkRequest:
    """`decide`: the button was pressed, for programs that read mails follow links, too. `by` is from which address."""

    token: str
    decide: bool
    by: str


@dataclass(frozen=True, slots=True)
class LinkAnswer:
    """Of a link that is not ours, nothing is said. `newest` is the version that was deployed instead."""

    outcome: Outcome
    ticket: Ticket | None = None
    package: Package | None = None
    stands: Approval | None = None
    newest: int = 0


@dataclass(frozen=True, slots=True)
class Answering:
    """The ports that answering works with, and the stage: links of another one are none of ours."""

    ledger: Ledger
    registry: Registry
    seals: Seals
    clock: Clock
    stage: str


def answer_link(request: LinkRequest, parts: Answering) -> LinkAnswer:
    ticket = _genuine(request.token, parts)
    if ticket is None:
        return LinkAnswer(Outcome.INVALID)
    package = _package(ticket, parts)
    if package is None:
        return LinkAnswer(Outcome.GONE, ticket)
    present = stands(ticket.model, package, parts.ledger)
    outcome = _hindrance(ticket, present, parts)
    if outcome and not (request.decide and outcome is Outcome.KNOWN):  # which may have died half done
        newest = parts.ledger.endpoint(ticket.model).version
        return LinkAnswer(outcome, ticket, package, present, newest)
    if not request.decide:
        return LinkAnswer(Outcome.ASKED, ticket, package, present)
    settlement = _settle(request, ticket, package, parts)
    return LinkAnswer(_OUTCOMES[settlement.settled], ticket, package, settlement.stands)


def _genuine(token: str, parts: Answering) -> Ticket | None:
    """The seal is checked before anything that the text says is believed."""
    try:
        ticket, seal = from_token(token)
    except NoTicket:
        return None
    return ticket if parts.seals.check(ticket.message, seal) and ticket.stage == parts.stage else None


def _package(ticket: Ticket, parts: Answering) -> Package | None:
    group = package_group_name(ticket.stage, ticket.model)
    arn = next((arn for version, arn, _ in parts.registry.versions(group) if version == ticket.version), None)
    return None if arn is None else parts.registry.describe(arn)


def _hindrance(ticket: Ticket, present: Approval, parts: Answering) -> Outcome | None:
    """Why the link can decide nothing (any more); what was decided counts for more than that it is late."""
    if present.standing is not Standing.AWAITING:
        return Outcome.KNOWN if present.standing is ticket.decision else Outcome.OVERTAKEN
    if parts.clock.now().timestamp() >= ticket.expires:
        return Outcome.EXPIRED
    superseded = ticket.decision is Standing.APPROVED and parts.ledger.endpoint(ticket.model).version > ticket.version
    return Outcome.SUPERSEDED if superseded else None


def _settle(request: LinkRequest, ticket: Ticket, package: Package, parts: Answering) -> Settlement:
    by = f"who held the link, at {request.by}" if request.by else "who held the link"
    reason = f"{ticket.decision.value} by a signed link"
    decision = Decision(ticket.model, ticket.version, package.arn, ticket.decision, Means.LINK, by, reason)
    return settle_approval(decision, ledger=parts.ledger, registry=parts.registry)


_OUTCOMES = {
    Settled.DECIDED: Outcome.DECIDED,
    Settled.KNOWN: Outcome.KNOWN,
    Settled.OVERTAKEN: Outcome.OVERTAKEN,
}
