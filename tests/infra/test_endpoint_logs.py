"""The log of an endpoint is there before it, and what is captured into it is subscribed where it is asked for."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk.assertions import Template

from infra.parts.captures import EndpointLog
from infra.settings import STAGES
from retide.domain.contract import Profile, Serving
from retide.domain.log_captures import PATTERN


def made(serving: Serving) -> tuple[dict[str, Any], dict[str, Any]]:
    """The log groups and the subscriptions of a model "m" in prod."""
    stack = Stack(App(), "stack")
    arn = "arn:aws:lambda:us-east-1:000000000000:function:keeper"
    keeper = lambda_.Function.from_function_attributes(stack, "Keeper", function_arn=arn, same_environment=True)
    EndpointLog(stack, "Log", settings=STAGES["prod"], model="m", serving=serving, keeper=keeper)
    template = Template.from_stack(stack)
    return tuple(template.find_resources(f"AWS::Logs::{kind}") for kind in ("LogGroup", "SubscriptionFilter"))  # type: ignore[return-value]


def test_what_a_serverless_endpoint_captures_is_taken_from_its_log() -> None:
    groups, filters = made(Serving(capture=5))
    (group,) = groups.values()
    assert group["Properties"]["LogGroupName"] == "/aws/sagemaker/Endpoints/retide-prod-m"
    assert group["Properties"]["RetentionInDays"] == STAGES["prod"].log_days
    (found,) = filters.values()
    assert found["Properties"]["FilterPattern"] == PATTERN


@pytest.mark.parametrize("serving", [Serving(), Serving(profile=Profile.INSTANCE, capture=5)])
def test_who_captures_nothing_or_by_the_endpoint_itself_has_no_subscription(serving: Serving) -> None:
    groups, filters = made(serving)
    assert (len(groups), filters) == (1, {})
