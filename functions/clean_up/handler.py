"""Lambda: take away the models, configs and trial endpoints that nothing refers to any more."""

from __future__ import annotations

from typing import Any

from retide.aws.logs import observed
from retide.aws.runtime import runtime
from retide.domain.codec import parse, serialise
from retide.steps.clean_up import Cleaning, CleanUpRequest, clean_up


@observed("clean_up")
def handler(raw_event: dict[str, Any], _context: object) -> dict[str, Any]:
    aws = runtime()
    request = parse(CleanUpRequest, raw_event)
    contract = aws.catalogue[request.model].contract
    return serialise(clean_up(request, Cleaning(aws.ledger, aws.endpoints, aws.hosting, contract)))
