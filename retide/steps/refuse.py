"""Refuse: what is written down of a message that cannot be taken, and of which model it seems to be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from retide.domain import layout
from retide.domain.ledger import Refusal
from retide.steps.dispatcher import Dispatcher

SUBJECT_LIMIT: Final = 1024  # characters of a refused key or name that are kept, and of the refused message:
MESSAGE_LIMIT: Final = 10_000


def refusal_of(raw: object, body: str, reason: str, parts: Dispatcher) -> Refusal:
    stored = _subject(raw).encode("utf-8", "replace").decode()[:SUBJECT_LIMIT]
    return Refusal(stored, reason, parts.clock.now().isoformat(), {"text": body[:MESSAGE_LIMIT]})


def _subject(raw: object) -> str:
    """The key of the object or the model that a message names, as far as it can be made out."""
    message = raw if isinstance(raw, Mapping) else {}
    records = message.get("Records")
    record = records[0] if isinstance(records, list) and records else None
    for told in (message.get("detail"), record.get("s3") if isinstance(record, Mapping) else None):
        item = told.get("object") if isinstance(told, Mapping) else None
        if isinstance(item, Mapping):
            return str(item.get("key"))
    return str(message.get("model") or "message")


def model_named(raw: object, refusal: Refusal, parts: Dispatcher) -> str:
    """The model that a refused message names, if there is such a model here; else nothing."""
    named = raw.get("model") if isinstance(raw, Mapping) else None
    model = named if isinstance(named, str) else layout.incoming_model(refusal.subject)
    return model if model is not None and model in parts.catalogue else ""
