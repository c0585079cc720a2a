"""Lambda on a schedule: put right what was lost or died; raises at the end where that could not be done."""

from __future__ import annotations

from typing import Any

from functions.dispatch.handler import dispatcher
from functions.release.handler import links
from retide.aws.logs import observed, tell
from retide.aws.runtime import runtime
from retide.domain.codec import serialise
from retide.steps.reconcile import Reconciler, reconcile


class NotReconciled(Exception):
    """Something could not be looked after; the message says what, and the next time comes by itself."""


@observed("reconcile")
def handler(_raw_event: dict[str, Any], _context: object) -> dict[str, Any]:
    aws = runtime()
    done = reconcile(
        Reconciler(dispatcher(aws), aws.endpoints, aws.hosting, aws.dead_letters, aws.failures, aws.notices, links(aws))
    )
    tell(step="reconcile", **serialise(done))
    if done.failed:
        raise NotReconciled("; ".join(done.failed))
    return serialise(done)
