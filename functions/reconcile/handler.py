"""Lambda on a schedule: put right what was lost or died; raises at the end where that could not be done."""

from __future__ import annotations

from typing import Any

from retide.aws.logs import observed, tell
from retide.aws.runtime import Runtime, runtime
from retide.domain.codec import serialise
from retide.steps.dispatcher import Dispatcher
from retide.steps.reconcile import Reconciler, reconcile


class NotReconciled(Exception):
    """Something could not be looked after; the message says what, and the next time comes by itself."""


@observed("reconcile")
def handler(_raw_event: dict[str, Any], _context: object) -> dict[str, Any]:
    done = reconcile(_parts(runtime()))
    tell(step="reconcile", **serialise(done))
    if done.failed:
        raise NotReconciled("; ".join(done.failed))
    return serialise(done)


def _parts(aws: Runtime) -> Reconciler:
    intake = Dispatcher(
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
    return Reconciler(intake, aws.endpoints, aws.dead_letters, aws.notices)
