"""Lambda: ask the endpoint the golden records and compare its answers with the recorded ones."""

from __future__ import annotations

from typing import Any

from retide.aws.logs import observed
from retide.aws.runtime import runtime
from retide.domain.codec import parse, serialise
from retide.steps.check_rollout import Checking, CheckRequest, check_rollout


@observed("check_rollout")
def handler(raw_event: dict[str, Any], _context: object) -> dict[str, Any]:
    aws = runtime()
    request = parse(CheckRequest, raw_event)
    contract = aws.catalogue[request.model].contract
    return serialise(check_rollout(request, Checking(aws.endpoints, aws.objects, aws.registry, contract)))
