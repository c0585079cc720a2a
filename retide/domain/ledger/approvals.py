"""What became of a registered version: who decided about it, how, when and why; or that it waits for somebody."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Standing(StrEnum):
    AWAITING = "awaiting approval"
    APPROVED = "approved"
    REJECTED = "rejected"


class Means(StrEnum):
    """How a decision was made. `console` is whatever changed the registry itself: the console, or any other client."""

    POLICY = "policy"
    COMMAND = "command line"
    LINK = "link"
    CONSOLE = "console"
    EXPIRY = "expiry"


@dataclass(frozen=True, slots=True)
class Approval:
    """`by` is who decided, as far as it is known; times are ISO 8601 in UTC, empty for what has not happened.

    `before` is the standing that the decision was made on, `open` whether something of it is still to be done: somebody
    must decide, or the registry must be told what was decided.
    """

    version: int
    package: str
    run: str
    asked_at: str = ""
    standing: Standing = Standing.AWAITING
    means: Means | None = None
    by: str = ""
    reason: str = ""
    decided_at: str = ""
    reminded_at: str = ""
    before: Standing = Standing.AWAITING
    open: bool = True

    @property
    def waits_since(self) -> str:
        """When it was registered; or put back by somebody, for another decision."""
        return max(self.asked_at, self.decided_at)

    def __str__(self) -> str:
        """In words: approved by jane (link)."""
        if self.means is None:
            return self.standing.value
        how = (
            "console, or another tool that speaks to the registry" if self.means is Means.CONSOLE else self.means.value
        )
        return f"{self.standing.value} by {self.by or 'somebody whom AWS does not name'} ({how})"
