"""Lambda: measure how far the answers of a version that is coming depart from those of the one that serves."""

from __future__ import annotations

from typing import Any

from retide.aws.logs import observed
from retide.aws.runtime import runtime
from retide.domain.codec import parse, serialise
from retide.steps.watch_shift import Watching, WatchRequest, watch_shift


@observed("watch_shift")
def handler(raw_event: dict[str, Any], _context: object) -> dict[str, Any]:
    aws = runtime()
    request = parse(WatchRequest, raw_event)
    serving = aws.catalogue[request.model].contract.serving
    return serialise(watch_shift(request, Watching(aws.captures, aws.metrics, aws.clock, serving)))
