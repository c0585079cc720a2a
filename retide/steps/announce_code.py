"""Announce code: after a deployment, ask for a retrain of each model whose code or contract changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from retide.domain.events import retrain_message
from retide.domain.ledger import Cause
from retide.ports import Queue


@dataclass(frozen=True, slots=True)
class Code:
    """What CloudFormation was told of one model."""

    Model: str
    CodeDigest: str
    ContractDigest: str


@dataclass(frozen=True, slots=True)
class Announcement:
    """CloudFormation's request for a custom resource, as far as it matters here."""

    RequestType: str
    ResourceProperties: Code
    OldResourceProperties: Code | None = None


def announce_code(announcement: Announcement, *, queue: Queue) -> str:
    """Send one request where something changed; the key makes the same code the same request."""
    new, old = announcement.ResourceProperties, announcement.OldResourceProperties
    if announcement.RequestType == "Delete" or new == old:
        return "nothing changed"
    changed = _changes(new, old)
    key = f"code-{new.CodeDigest[:32]}-{new.ContractDigest[:32]}"
    queue.send(retrain_message(new.Model, Cause.CODE, f"deployed: {', '.join(changed)}", key))
    return "announced"


def _changes(new: Code, old: Code | None) -> list[str]:
    if old is None:
        return ["the model for the first time"]
    parts: Mapping[str, bool] = {
        "code changed": new.CodeDigest != old.CodeDigest,
        "contract changed": new.ContractDigest != old.ContractDigest,
    }
    return [words for words, changed in parts.items() if changed]
