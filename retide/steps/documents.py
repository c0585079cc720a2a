"""Read and write a run's documents in the data bucket: plan.json, decision.json, registration.json, record.json."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from retide.domain import layout
from retide.domain.codec import parse, serialise
from retide.domain.layout import RunId
from retide.domain.record import document_bytes
from retide.ports import ObjectGone, Objects


def write(objects: Objects, run: RunId, name: str, document: Any) -> str:
    """Put the document into the run's folder; returns the sha256 of its bytes."""
    data = document_bytes(serialise(document))
    objects.put(layout.run(str(run), run.model, name), data)
    return hashlib.sha256(data).hexdigest()


def read[T](cls: type[T], objects: Objects, run: RunId, name: str) -> T:
    """Raises ObjectGone where the run has not written it."""
    return parse(cls, json.loads(objects.get(layout.run(str(run), run.model, name))))


def find[T](cls: type[T], objects: Objects, run: RunId, name: str) -> T | None:
    try:
        return read(cls, objects, run, name)
    except ObjectGone:
        return None
