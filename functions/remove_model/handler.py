"""Lambda: remove a model's endpoint and packages when a stage that keeps nothing is deleted, or only the model is."""

from __future__ import annotations

from typing import Any

from retide.aws.custom_resource import custom_resource
from retide.aws.logs import observed
from retide.aws.runtime import removal, runtime


def remove_model(raw_event: dict[str, Any]) -> None:
    properties = raw_event["ResourceProperties"]
    if raw_event["RequestType"] == "Delete":
        removal().remove_model(properties["Stage"], properties["Model"])
        runtime().ledger.forget_results(properties["Model"])


handler = observed("remove_model")(custom_resource(remove_model))
