"""Lambda: find out whether an approved package may be served, and from what."""

from __future__ import annotations

from typing import Any

from retide.aws.logs import observed
from retide.aws.runtime import runtime
from retide.domain.codec import parse, serialise
from retide.steps.prepare_rollout import Preparation, PrepareRequest, prepare_rollout


@observed("prepare_rollout")
def handler(raw_event: dict[str, Any], _context: object) -> dict[str, Any]:
    aws = runtime()
    parts = Preparation(
        ledger=aws.ledger,
        objects=aws.objects,
        executions=aws.executions,
        registry=aws.registry,
        endpoints=aws.endpoints,
        queue=aws.queue,
        endpoint_logs=aws.endpoint_logs,
        clock=aws.clock,
        contract=aws.catalogue[raw_event["model"]].contract,
        stage=aws.environment.stage,
        signatures=aws.signatures,
    )
    return serialise(prepare_rollout(parse(PrepareRequest, raw_event), parts))
