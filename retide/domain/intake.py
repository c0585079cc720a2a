"""What the ledger remembers of how things came in: receipts, batches that are not whole yet, deletions, delays."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

ARRIVED: Final = "arrived"
KNOWN: Final = "known"
REFUSED: Final = "refused"
QUOTA_PAUSE: Final = timedelta(minutes=15)
"""How long a run or a rollout that found no quota waits."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """One message that was taken from the queue: `message` is the queue's id of it, `outcome` what became of it.

    `model` is empty for what belongs to none.
    """

    message: str
    model: str
    outcome: str
    subject: str
    at: str


@dataclass(frozen=True, slots=True)
class Batch:
    """A folder of files that waits for its marker, or for files that its manifest lists.

    `held` is how many files wait in it, `missing` which listed ones have not come, `more` whether these are not all,
    `reported_at` when somebody was told that it takes too long.
    """

    name: str
    since: str
    held: int = 0
    manifest: str | None = None
    missing: tuple[str, ...] = ()
    more: bool = False
    reported_at: str | None = None

    @property
    def reason(self) -> str:
        if self.manifest is None:
            return "its marker (_SUCCESS or manifest.json) has not come"
        more = " and more" if self.more else ""
        return f"its manifest lists files that have not come: {', '.join(self.missing)}{more}"


class Delay(StrEnum):
    """Why what waits for a run is not started at once."""

    BUDGET = "budget"
    QUOTA = "quota"
    FUSE = "fuse"


@dataclass(frozen=True, slots=True)
class Deferral:
    """A model's next run waits: why, in words, since when and until when (ISO 8601 in UTC; empty: until asked for)."""

    delay: Delay
    reason: str
    since: str
    until: str = ""

    @property
    def ends(self) -> str:
        """When what waits is started."""
        return f"after {self.until[:16]}" if self.until else "when somebody asks for it"


@dataclass(frozen=True, slots=True)
class Erasure:
    """An accepted object whose version was deleted since; `key` and `version` are the object's."""

    object: str
    key: str
    version: str
    at: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A dataset holds rows of an object that was deleted since."""

    dataset: str
    object: str
    key: str
    at: str


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """When the reconciler looked last, what it did and what it could not do, in words."""

    at: str
    outcome: str
    acts: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()


class Origin(StrEnum):
    """Whose dead letter it was: only what came from the arrivals is a message that can be sent again."""

    ARRIVALS = "arrivals"
    FUNCTION = "function"


@dataclass(frozen=True, slots=True)
class Parked:
    """A dead letter that was taken off its queue, and is kept until a person sends it again or puts it away.

    `message` is the queue's id of it, `model` the one that it names (empty for none), `subject` the key of its object,
    or what else it is about, `why` what its death said.
    """

    name: str
    body: str
    at: str
    origin: Origin = Origin.ARRIVALS
    message: str = ""
    model: str = ""
    subject: str = ""
    why: str = ""
