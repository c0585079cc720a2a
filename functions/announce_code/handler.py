"""Lambda: after a deployment, ask for a retrain of a model whose code or contract changed."""

from __future__ import annotations

from typing import Any

from retide.aws.custom_resource import custom_resource
from retide.aws.logs import observed
from retide.aws.runtime import runtime
from retide.domain.codec import parse
from retide.steps.announce_code import Announcement, announce_code


def announce(raw_event: dict[str, Any]) -> None:
    announce_code(parse(Announcement, raw_event), queue=runtime().queue)


handler = observed("announce_code")(custom_resource(announce))
