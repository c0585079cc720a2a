"""Lambda: say how many instances an endpoint may have."""

from __future__ import annotations

from typing import Any

from retide.aws.logs import observed
from retide.aws.runtime import runtime
from retide.domain.codec import parse, serialise
from retide.steps.set_scaling import SetScalingRequest, SettingScaling, set_scaling


@observed("set_scaling")
def handler(raw_event: dict[str, Any], _context: object) -> dict[str, Any]:
    aws = runtime()
    request = parse(SetScalingRequest, raw_event)
    serving = aws.catalogue[request.model].contract.serving
    return serialise(set_scaling(request, SettingScaling(aws.ledger, aws.endpoints, aws.scalers, serving)))
