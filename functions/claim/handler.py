"""Lambda: take the model's lease and everything that waits for the model."""

from __future__ import annotations

from typing import Any

from retide.aws.logs import observed
from retide.aws.runtime import runtime
from retide.domain.codec import parse, serialise
from retide.steps.claim import ClaimRequest, claim


@observed("claim")
def handler(raw_event: dict[str, Any], _context: object) -> dict[str, Any]:
    aws = runtime()
    result = claim(
        parse(ClaimRequest, raw_event),
        ledger=aws.ledger,
        executions=aws.executions,
        queue=aws.queue,
        clock=aws.clock,
        commit=aws.environment.commit,
    )
    return serialise(result)
