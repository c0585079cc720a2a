"""Lambda: put the challenger into the model registry, and approve or reject it by policy."""

from __future__ import annotations

from typing import Any

from retide.aws.logs import observed
from retide.aws.runtime import runtime
from retide.domain.codec import parse, serialise
from retide.steps.register import RegisterRequest, Target, register


@observed("register")
def handler(raw_event: dict[str, Any], _context: object) -> dict[str, Any]:
    aws = runtime()
    contract = aws.catalogue[raw_event["model"]].contract
    result = register(
        parse(RegisterRequest, raw_event),
        ledger=aws.ledger,
        objects=aws.objects,
        registry=aws.registry,
        target=Target(contract, aws.environment.stage, aws.environment.image_uri, aws.signatures),
    )
    return serialise(result)
