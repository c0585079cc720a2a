"""Lambda: lay the rows of a batch's files out as the model is asked them."""

from __future__ import annotations

from typing import Any

from retide.aws.logs import observed
from retide.aws.runtime import runtime
from retide.domain.codec import parse, serialise
from retide.steps.prepare_batch import BatchPreparation, PrepareBatchRequest, prepare_batch


@observed("prepare_batch")
def handler(raw_event: dict[str, Any], _context: object) -> dict[str, Any]:
    aws = runtime()
    parts = BatchPreparation(
        ledger=aws.ledger,
        objects=aws.objects,
        endpoints=aws.endpoints,
        clock=aws.clock,
        contract=aws.catalogue[raw_event["model"]].contract,
        stage=aws.environment.stage,
    )
    return serialise(prepare_batch(parse(PrepareBatchRequest, raw_event), parts))
