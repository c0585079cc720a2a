"""The log of a serverless endpoint, and the way of what it captures from there into the data bucket."""

from __future__ import annotations

from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_logs_destinations as destinations
from constructs import Construct

from infra.parts.function import log_group
from infra.settings import Settings
from retide.domain.contract import Profile, Serving
from retide.domain.hosting import endpoint_of
from retide.domain.log_captures import GROUPS, PATTERN


class EndpointLog(Construct):
    """`log` is there before its endpoint, which would make one that is kept for ever and that nobody can subscribe to.

    Only what the contract asks for is subscribed: each delivery is an invocation.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        settings: Settings,
        model: str,
        serving: Serving,
        keeper: lambda_.IFunction,
    ) -> None:
        super().__init__(scope, id_)
        name = f"{GROUPS}{endpoint_of(settings.stage, model, Profile.SERVERLESS)}"
        self.log = log_group(self, "Log", settings, name=name)
        if serving.capture and serving.profile is Profile.SERVERLESS:
            self.log.add_subscription_filter(
                "Captures",
                destination=destinations.LambdaDestination(keeper),
                filter_pattern=logs.FilterPattern.literal(PATTERN),
            )
