"""Lambda: write the run's record and free the model's lease."""

from __future__ import annotations

from typing import Any

from retide.aws.logs import observed
from retide.aws.runtime import runtime
from retide.domain.codec import parse, serialise
from retide.steps.release import ReleaseRequest, release


@observed("release")
def handler(raw_event: dict[str, Any], _context: object) -> dict[str, Any]:
    aws = runtime()
    result = release(
        parse(ReleaseRequest, raw_event),
        ledger=aws.ledger,
        objects=aws.objects,
        executions=aws.executions,
        queue=aws.queue,
        clock=aws.clock,
    )
    return serialise(result)
