"""Lambda: put a batch's answers beside the keys of their rows, and record how it ended."""

from __future__ import annotations

from typing import Any

from retide.aws.logs import observed
from retide.aws.runtime import runtime
from retide.domain.codec import parse, serialise
from retide.steps.finish_batch import FinishBatchRequest, finish_batch


@observed("finish_batch")
def handler(raw_event: dict[str, Any], _context: object) -> dict[str, Any]:
    aws = runtime()
    request = parse(FinishBatchRequest, raw_event)
    return serialise(finish_batch(request, ledger=aws.ledger, objects=aws.objects, clock=aws.clock))
