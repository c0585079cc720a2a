"""Keep captures: what a serverless endpoint captured into its log goes to where SageMaker's own DataCapture writes."""

from __future__ import annotations

from dataclasses import dataclass

from retide.domain.log_captures import decode, files
from retide.ports import Objects


@dataclass(frozen=True, slots=True)
class Kept:
    """`lines` are captured records, `others` lines of the log that are none."""

    outcome: str
    files: int = 0
    lines: int = 0
    others: int = 0


def keep_captures(raw_event: object, objects: Objects, stage: str) -> Kept:
    """Delivered again, the same lines are the same files. Raises UnknownMessage, which leaves a dead letter."""
    delivery = decode(raw_event)
    made = files(delivery, stage)
    for key, body in made.items():
        objects.put(key, body)
    lines = sum(body.count(b"\n") for body in made.values())
    return Kept("kept" if made else "nothing to keep", len(made), lines, len(delivery.events) - lines)
