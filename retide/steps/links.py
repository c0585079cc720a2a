"""Links for those who are to approve: one for each decision, signed, and good until the approval expires."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from retide.domain.approval_link import PATH, Ticket, to_token
from retide.domain.contract import Contract
from retide.domain.ledger import Approval, Standing
from retide.ports import Seals

LONGEST: Final = timedelta(days=7)
"""How long a link is good where an approval never expires: one that lies in an old mail must not work for ever."""


@dataclass(frozen=True, slots=True)
class Links:
    """`url` is where links lead to; empty where this stage has none."""

    seals: Seals
    url: str
    stage: str

    def of(self, model: str, approval: Approval, contract: Contract) -> tuple[str, ...]:
        """A line for each decision; nothing where this stage has no links."""
        if not self.url:
            return ()
        until = int(expiry(approval, contract, LONGEST).timestamp())
        approve, reject = (self._signed(model, approval, decision, until) for decision in _DECISIONS)
        return (f"Approve: {approve}", f"Reject:  {reject}")

    def _signed(self, model: str, approval: Approval, decision: Standing, until: int) -> str:
        ticket = Ticket(self.stage, model, approval.version, decision, until)
        return f"{self.url}{PATH}?token={to_token(ticket, self.seals.make(ticket.message))}"


_DECISIONS: Final = (Standing.APPROVED, Standing.REJECTED)


def expiry(approval: Approval, contract: Contract, otherwise: timedelta) -> datetime:
    """When an approval that nobody gave expires; after `otherwise` where the contract says never."""
    hours = contract.policy.expire_after_hours
    return datetime.fromisoformat(approval.waits_since) + (timedelta(hours=hours) if hours else otherwise)
