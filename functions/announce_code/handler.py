"""Lambda behind a custom resource: after a deployment, ask for a retrain of the model whose code changed."""

from __future__ import annotations

from typing import Any

from retide.aws.custom_resource import custom_resource
from retide.aws.logs import observed
from retide.aws.runtime import runtime
from retide.domain.codec import parse
from retide.steps.announce_code import Announcement, announce_code


@observed("announce_code")
def announce(raw_event: dict[str, Any], _context: object) -> dict[str, str]:
    return {"outcome": announce_code(parse(Announcement, raw_event), queue=runtime().queue)}


handler = custom_resource(lambda raw_event: announce(raw_event, None))
