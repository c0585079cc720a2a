"""Lambda behind a custom resource: after a deployment, ask for a retrain where the code is not the champion's."""

from __future__ import annotations

from typing import Any

from retide.aws.custom_resource import custom_resource
from retide.aws.logs import observed
from retide.aws.runtime import runtime
from retide.domain.codec import parse
from retide.steps.announce_code import Announcement, announce_code


@observed("announce_code")
def announce(raw_event: dict[str, Any], _context: object) -> dict[str, str]:
    aws = runtime()
    announcement = parse(Announcement, raw_event)
    return {"outcome": announce_code(announcement, ledger=aws.ledger, queue=aws.queue, clock=aws.clock)}


handler = custom_resource(lambda raw_event: announce(raw_event, None))
