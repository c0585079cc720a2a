"""Lambda: take what the arrivals queue brings; messages that fail come again alone (partial batch response)."""

from __future__ import annotations

from typing import Any

from retide.aws.logs import observed, tell
from retide.aws.runtime import Runtime, runtime
from retide.domain.codec import serialise
from retide.steps.dispatch import Delivery, dispatch
from retide.steps.dispatcher import Dispatcher


@observed("dispatch")
def handler(raw_event: dict[str, Any], _context: object) -> dict[str, Any]:
    deliveries = [Delivery(record["messageId"], record["body"]) for record in raw_event["Records"]]
    report = dispatch(deliveries, dispatcher(runtime()))
    for refusal in report.refusals:
        tell(step="dispatch", outcome="refused", **serialise(refusal))
    for name, reason in report.failed.items():
        tell(step="dispatch", outcome="failed", message=name, reason=reason)
    return {"batchItemFailures": [{"itemIdentifier": name} for name in report.failed], "outcome": report.counts}


def dispatcher(aws: Runtime) -> Dispatcher:
    """What decides about messages; the reconciler decides with the same."""
    return Dispatcher(
        ledger=aws.ledger,
        objects=aws.objects,
        executions=aws.executions,
        registry=aws.registry,
        clock=aws.clock,
        catalogue=aws.catalogue,
        bucket=aws.environment.data_bucket,
        stage=aws.environment.stage,
        account=aws.environment.account,
    )
