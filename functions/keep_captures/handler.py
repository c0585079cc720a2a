"""Lambda: take captured requests and answers from an endpoint's log into the data bucket."""

from __future__ import annotations

from typing import Any

from retide.aws.logs import observed
from retide.aws.runtime import runtime
from retide.domain.codec import serialise
from retide.steps.keep_captures import keep_captures


@observed("keep_captures")
def handler(raw_event: dict[str, Any], _context: object) -> dict[str, Any]:
    aws = runtime()
    return serialise(keep_captures(raw_event, aws.objects, aws.environment.stage))
