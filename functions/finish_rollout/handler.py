"""Lambda: record how a rollout ended and free the endpoint."""

from __future__ import annotations

from typing import Any

from retide.aws.logs import observed
from retide.aws.runtime import runtime
from retide.domain.codec import parse, serialise
from retide.steps.finish_rollout import Finishing, FinishRequest, finish_rollout


@observed("finish_rollout")
def handler(raw_event: dict[str, Any], _context: object) -> dict[str, Any]:
    aws = runtime()
    parts = Finishing(
        ledger=aws.ledger,
        registry=aws.registry,
        executions=aws.executions,
        queue=aws.queue,
        notices=aws.notices,
        aliases=aws.aliases,
        clock=aws.clock,
        stage=aws.environment.stage,
    )
    return serialise(finish_rollout(parse(FinishRequest, raw_event), parts))
