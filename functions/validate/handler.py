"""Lambda: judge one claimed object."""

from typing import Any

from retide.aws.logs import observed
from retide.aws.runtime import runtime
from retide.data import judge
from retide.domain.codec import parse, serialise
from retide.steps.validate import ValidateRequest, validate


@observed("validate")
def handler(raw_event: dict[str, Any], _context: object) -> Any:
    aws = runtime()
    request = parse(ValidateRequest, raw_event)
    return serialise(validate(request, catalogue=aws.catalogue, objects=aws.objects, ledger=aws.ledger, judge=judge))
