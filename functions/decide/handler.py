"""Lambda: decide whether a retrain is worth it."""

from __future__ import annotations

from typing import Any

from retide.aws.logs import observed
from retide.aws.runtime import runtime
from retide.domain.codec import parse, serialise
from retide.steps.decide import DecideRequest, Deployment, decide


@observed("decide")
def handler(raw_event: dict[str, Any], _context: object) -> dict[str, Any]:
    aws = runtime()
    result = decide(
        parse(DecideRequest, raw_event),
        ledger=aws.ledger,
        objects=aws.objects,
        jobs=aws.jobs,
        entry=aws.catalogue[raw_event["model"]],
        deployment=Deployment(
            aws.environment.stage,
            aws.environment.ledger_table,
            aws.environment.code_uri,
            aws.environment.libs_uri,
            aws.environment.image,
            aws.environment.boosting_image,
            aws.environment.commit,
        ),
    )
    return serialise(result)
