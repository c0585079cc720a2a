"""Lambda: take the model's lease and everything that waits for the model."""

from __future__ import annotations

from typing import Any

from retide.aws.logs import observed
from retide.aws.runtime import runtime
from retide.domain.codec import parse, serialise
from retide.steps.claim import Claiming, ClaimRequest, claim


@observed("claim")
def handler(raw_event: dict[str, Any], _context: object) -> dict[str, Any]:
    aws = runtime()
    parts = Claiming(
        aws.ledger,
        aws.executions,
        aws.objects,
        aws.queue,
        aws.clock,
        aws.catalogue[raw_event["model"]].contract,
        aws.environment.bounds,
        aws.environment.commit,
    )
    return serialise(claim(parse(ClaimRequest, raw_event), parts))
