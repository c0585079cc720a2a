"""Lambda: write the run's record and free the model's lease."""

from __future__ import annotations

from typing import Any

from retide.aws.logs import observed
from retide.aws.runtime import runtime
from retide.domain.codec import parse, serialise
from retide.steps.release import ReleaseRequest, Releasing, release


@observed("release")
def handler(raw_event: dict[str, Any], _context: object) -> dict[str, Any]:
    aws = runtime()
    parts = Releasing(
        ledger=aws.ledger,
        objects=aws.objects,
        executions=aws.executions,
        queue=aws.queue,
        notices=aws.notices,
        clock=aws.clock,
        stage=aws.environment.stage,
    )
    return serialise(release(parse(ReleaseRequest, raw_event), parts))
