"""Links by which people approve: a key that signs them, and a small public address that takes them back."""

from __future__ import annotations

import json
from typing import Final

from aws_cdk import Duration
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.names import arn
from infra.settings import Settings
from retide.domain.approval_link import PATH

# Neither the query, which holds the link, nor a header: what a log has, whoever reads it could decide with.
LOGGED: Final = ("requestTime", "httpMethod", "routeKey", "status", "identity.sourceIp", "integrationErrorMessage")
A_SECOND: Final = 2
AT_ONCE: Final = 5


class ApprovalLinks(Construct):
    """`url` is where links lead to, `key` signs them. The address takes a few requests a second, from anybody.

    A link is as good as a password: who has it may decide about one version, once, for some days.
    """

    def __init__(self, scope: Construct, id_: str, *, settings: Settings) -> None:
        super().__init__(scope, id_)
        self.key = kms.Key(
            self,
            "Key",
            description=f"Signs the links of notices by which people of stage {settings.stage} approve models",
            key_spec=kms.KeySpec.HMAC_256,
            key_usage=kms.KeyUsage.GENERATE_VERIFY_MAC,
            pending_window=Duration.days(7),
            removal_policy=settings.removal,
        )
        name = f"retide-{settings.stage}-approval"
        self._api = apigateway.CfnApi(self, "Api", name=name, protocol_type="HTTP")
        self.url = self._api.attr_api_endpoint

    def signed_by(self, function: lambda_.Function) -> None:
        self._allow(function, "kms:GenerateMac")

    def answered_by(self, function: lambda_.Function, log: logs.ILogGroup) -> None:
        """Looking (GET) and deciding (POST) at one path; everything else is none of the address's."""
        self._allow(function, "kms:VerifyMac")
        integration = apigateway.CfnIntegration(
            self,
            "Integration",
            api_id=self._api.ref,
            integration_type="AWS_PROXY",
            integration_uri=function.function_arn,
            payload_format_version="2.0",
        )
        for method in ("GET", "POST"):
            apigateway.CfnRoute(
                self,
                method.capitalize(),
                api_id=self._api.ref,
                route_key=f"{method} {PATH}",
                authorization_type="NONE",
                target=f"integrations/{integration.ref}",
            )
        self._stage(log)
        source = arn("execute-api", f"{self._api.ref}/*/*{PATH}")
        function.add_permission("Api", principal=iam.ServicePrincipal("apigateway.amazonaws.com"), source_arn=source)

    def _stage(self, log: logs.ILogGroup) -> None:
        limits = apigateway.CfnStage.RouteSettingsProperty(
            throttling_rate_limit=A_SECOND, throttling_burst_limit=AT_ONCE
        )
        told = apigateway.CfnStage.AccessLogSettingsProperty(
            destination_arn=log.log_group_arn, format=json.dumps({name: f"$context.{name}" for name in LOGGED})
        )
        apigateway.CfnStage(
            self,
            "Stage",
            api_id=self._api.ref,
            stage_name="$default",
            auto_deploy=True,
            default_route_settings=limits,
            access_log_settings=told,
        )

    def _allow(self, function: lambda_.Function, action: str) -> None:
        function.add_to_role_policy(iam.PolicyStatement(actions=[action], resources=[self.key.key_arn]))
