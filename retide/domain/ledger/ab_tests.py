"""An A/B test as the ledger keeps it: a challenger beside the version that serves, since when, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class AbEnding(StrEnum):
    """Why a challenger does not answer beside the champion any more."""

    STOPPED = "stopped"
    PROMOTED = "promoted"
    OVERTAKEN = "overtaken"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class AbTest:
    """`percent` of the requests are answered by the challenger; 0: it gets a copy of all, and nobody hears it (shadow).

    `package` is the challenger's ARN, `endpoint` where it was begun. Times are ISO 8601 in UTC, empty for not yet.
    """

    name: str
    champion: int
    challenger: int
    package: str
    percent: int
    by: str
    reason: str
    asked_at: str
    endpoint: str = ""
    began_at: str = ""
    ended_at: str = ""
    outcome: str = ""
    why: str = ""

    @property
    def shadow(self) -> bool:
        return self.percent == 0

    def __str__(self) -> str:
        share = "in the shadow of" if self.shadow else f"with {self.percent} % of the requests, beside"
        return f"version {self.challenger} {share} version {self.champion}"
