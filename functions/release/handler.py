"""Lambda: write the run's record and free the model's lease."""

from __future__ import annotations

from typing import Any

from retide.aws.logs import observed
from retide.aws.runtime import Runtime, runtime
from retide.domain.codec import parse, serialise
from retide.domain.layout import RunId
from retide.steps.links import Links
from retide.steps.release import ReleaseRequest, Releasing, release


def links(aws: Runtime) -> Links:
    return Links(aws.seals, aws.environment.approval_url, aws.environment.stage)


@observed("release")
def handler(raw_event: dict[str, Any], _context: object) -> dict[str, Any]:
    aws = runtime()
    parts = Releasing(
        ledger=aws.ledger,
        objects=aws.objects,
        executions=aws.executions,
        queue=aws.queue,
        notices=aws.notices,
        clock=aws.clock,
        stage=aws.environment.stage,
        links=links(aws),
        contract=aws.catalogue[RunId.parse(raw_event["run"]).model].contract,
    )
    return serialise(release(parse(ReleaseRequest, raw_event), parts))
