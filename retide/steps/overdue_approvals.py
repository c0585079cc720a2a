"""Overdue approvals: remind who is to approve, reject what nobody approved in time, finish what somebody began."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from retide.domain.contract import Contract
from retide.domain.ledger import Approval, Means, Standing
from retide.domain.notice import expired, reminder
from retide.ports import Notices
from retide.steps.dispatcher import Dispatcher
from retide.steps.links import Links, expiry
from retide.steps.settle_approval import Decision, complete, settle_approval

CLOCK: Final = "the clock"


def overdue_approvals(model: str, intake: Dispatcher, notices: Notices, links: Links) -> Iterator[str]:
    """What was done, in words; people are told of each before that is written down: who dies in between tells twice."""
    contract = intake.catalogue[model].contract
    for known in intake.ledger.open_approvals(model):
        if _expiring(known) or _is_over(known, contract, intake):
            yield _expire(model, known, contract, intake, notices)
            continue
        found = complete(model, known, ledger=intake.ledger, registry=intake.registry)
        if found.standing is not Standing.AWAITING:
            yield f"version {found.version} is {found}"
        elif _wants_reminder(found, contract, intake):
            until = expiry(found, contract, timedelta()).isoformat(timespec="minutes")
            until = until if contract.policy.expire_after_hours else ""
            notices.publish(*reminder(intake.stage, model, found, until, links.of(model, found, contract)))
            intake.ledger.note_reminder(model, found)
            yield f"reminded of version {found.version}, which waits for approval since {found.waits_since[:16]}"


def _expiring(known: Approval) -> bool:
    """Rejected by the clock, and whoever did that has died before all was done."""
    return known.means is Means.EXPIRY and known.standing is Standing.REJECTED


def _is_over(known: Approval, contract: Contract, intake: Dispatcher) -> bool:
    waits = known.standing is Standing.AWAITING and contract.policy.expire_after_hours > 0
    return waits and intake.clock.now() >= expiry(known, contract, timedelta())


def _expire(model: str, known: Approval, contract: Contract, intake: Dispatcher, notices: Notices) -> str:
    """The notice goes out before the decision is marked as done: it is not lost where somebody dies in between."""
    hours = contract.policy.expire_after_hours
    reason = known.reason if _expiring(known) else f"nobody approved it within {hours} hours"
    decision = Decision(model, known.version, known.package, Standing.REJECTED, Means.EXPIRY, CLOCK, reason)

    def tell(made: Approval) -> None:
        notices.publish(*expired(intake.stage, model, made))

    try:
        settled = settle_approval(decision, ledger=intake.ledger, registry=intake.registry, before_closing=tell)
    except LookupError:
        return f"version {known.version} is {complete(model, known, ledger=intake.ledger, registry=intake.registry)}"
    return f"version {known.version} is {settled.stands}"


def _wants_reminder(found: Approval, contract: Contract, intake: Dispatcher) -> bool:
    hours = contract.policy.remind_after_hours
    if not hours or found.reminded_at:
        return False
    return intake.clock.now() >= datetime.fromisoformat(found.waits_since) + timedelta(hours=hours)
