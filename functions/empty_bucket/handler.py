"""Lambda: empty the data bucket when a stage that keeps nothing is deleted."""

from __future__ import annotations

from typing import Any

from retide.aws.custom_resource import custom_resource
from retide.aws.logs import observed
from retide.aws.runtime import removal


def empty_bucket(raw_event: dict[str, Any]) -> None:
    if raw_event["RequestType"] == "Delete":
        removal().empty_bucket(raw_event["ResourceProperties"]["Bucket"])


handler = observed("empty_bucket")(custom_resource(empty_bucket))
