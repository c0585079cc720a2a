"""Lambda: fix the data that a run learns from."""

from typing import Any

from retide.aws.logs import observed
from retide.aws.runtime import runtime
from retide.data import judge
from retide.domain.codec import parse, serialise
from retide.steps.freeze import FreezeRequest, freeze


@observed("freeze")
def handler(raw_event: dict[str, Any], _context: object) -> Any:
    aws = runtime()
    request = parse(FreezeRequest, raw_event)
    return serialise(
        freeze(request, catalogue=aws.catalogue, objects=aws.objects, ledger=aws.ledger, judge=judge, clock=aws.clock)
    )
