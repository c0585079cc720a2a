"""Lambda: lay out what a job needs to judge one object that is too large for a function."""

from __future__ import annotations

from typing import Any

from retide.aws.logs import observed
from retide.aws.runtime import runtime
from retide.data import judge
from retide.domain.codec import parse, serialise
from retide.steps.prepare_judging import JudgingParts, PrepareJudgingRequest, prepare_judging


@observed("prepare_judging")
def handler(raw_event: dict[str, Any], _context: object) -> dict[str, Any]:
    aws = runtime()
    parts = JudgingParts(
        aws.ledger,
        aws.objects,
        judge,
        aws.catalogue[raw_event["model"]].contract,
        aws.environment.stage,
        aws.environment.ledger_table,
        aws.environment.code_uri,
        aws.environment.data_libs_uri,
    )
    return serialise(prepare_judging(parse(PrepareJudgingRequest, raw_event), parts))
