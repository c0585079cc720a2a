"""The protocol of CloudFormation's custom resources: whatever happens, CloudFormation gets an answer."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from typing import Any

Event = dict[str, Any]

REASON_LIMIT = 1_000  # CloudFormation refuses answers above 4 KiB


def custom_resource(act: Callable[[Event], object]) -> Callable[[Event, object], None]:
    """A Lambda handler that runs `act` and reports its end; without an answer a deployment waits for an hour."""

    def handler(raw_event: Event, _context: object) -> None:
        try:
            act(raw_event)
        except Exception as error:
            _answer(raw_event, status="FAILED", reason=f"{type(error).__name__}: {error}"[:REASON_LIMIT])
            raise
        _answer(raw_event, status="SUCCESS", reason="")

    return handler


def _answer(event: Event, *, status: str, reason: str) -> None:
    body = {
        "Status": status,
        "Reason": reason,
        "PhysicalResourceId": event.get("PhysicalResourceId") or event["LogicalResourceId"],
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
    }
    # An empty content type, for the address is signed without one; it comes from CloudFormation, not from a user.
    request = urllib.request.Request(  # noqa: S310
        event["ResponseURL"], data=json.dumps(body).encode(), method="PUT", headers={"Content-Type": ""}
    )
    with urllib.request.urlopen(request, timeout=20):  # noqa: S310
        pass
