"""Lambda: decide whether the challenger may replace the champion."""

from __future__ import annotations

from typing import Any

from retide.aws.logs import observed
from retide.aws.runtime import runtime
from retide.domain.codec import parse, serialise
from retide.steps.gate import GateRequest, gate


@observed("gate")
def handler(raw_event: dict[str, Any], _context: object) -> dict[str, Any]:
    aws = runtime()
    contract = aws.catalogue[raw_event["model"]].contract
    return serialise(gate(parse(GateRequest, raw_event), ledger=aws.ledger, objects=aws.objects, contract=contract))
