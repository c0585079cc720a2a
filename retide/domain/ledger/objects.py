"""What the ledger remembers of objects: as they arrived, what became of them, and what is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from retide.domain.layout import ObjectVersion


class ObjectState(StrEnum):
    """What became of an object version; all but the first two are terminal."""

    PENDING = "pending"
    CLAIMED = "claimed"
    ACCEPTED = "accepted"
    QUARANTINED = "quarantined"
    DUPLICATE = "duplicate"
    WITHDRAWN = "withdrawn"
    REFUSED = "refused"

    @property
    def terminal(self) -> bool:
        return self not in {ObjectState.PENDING, ObjectState.CLAIMED}


@dataclass(frozen=True, slots=True)
class Arrival:
    """An object version as S3 itself describes it; `arrived_at` is ISO 8601 in UTC, `size` in bytes."""

    key: str
    version: str
    etag: str
    size: int
    sequencer: str
    arrived_at: str

    @property
    def id(self) -> str:
        return ObjectVersion(self.key, self.version).id


@dataclass(frozen=True, slots=True)
class ObjectRecord:
    """Everything known about one object version; `run` is the run that holds or judged it.

    `message` is the receipt of the message that brought it, `sha256` what its batch's manifest says of it, `reason` why
    it was refused, `tries` how often its judging began without coming to an end, `crash` what was heard of the last.
    `rejected` rows of an accepted object were taken out and lie in quarantine; its `rows` are those that stayed.
    """

    key: str
    version: str
    id: str
    etag: str
    size: int
    arrived_at: str
    state: ObjectState
    sequencer: str = ""
    batch: str | None = None
    run: str | None = None
    curated: str | None = None
    rows: int | None = None
    verdict: str | None = None
    ended_at: str | None = None
    deleted_at: str | None = None
    message: str | None = None
    sha256: str | None = None
    reason: str | None = None
    tries: int = 0
    crash: str | None = None
    rejected: int | None = None


@dataclass(frozen=True, slots=True)
class AcceptedObject:
    """One object of the data window, oldest first; `event_from` and `event_to` are ISO 8601 or None."""

    id: str
    key: str
    version: str
    curated: str
    rows: int
    verdict: str
    arrived_at: str
    event_from: str | None = None
    event_to: str | None = None
    sequencer: str = ""


@dataclass(frozen=True, slots=True)
class ClaimedObject:
    """One object of a claim with its present state."""

    key: str
    version: str
    id: str
    size: int
    etag: str
    state: ObjectState
    arrived_at: str
    sha256: str | None = None
    tries: int = 0
    crash: str | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """A message or an object that Retide will not take, with the reason and the message itself."""

    subject: str
    reason: str
    at: str
    message: Mapping[str, Any] = field(default_factory=dict)
