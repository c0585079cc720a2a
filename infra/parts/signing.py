"""A key that signs artefacts: who registers a model signs it, who serves one checks, and no job can do either."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.settings import Settings


class ArtefactSigning(Construct):
    """`key` is asymmetric: the right to check a signature is none to make one. It costs a dollar a month."""

    def __init__(self, scope: Construct, id_: str, *, settings: Settings) -> None:
        super().__init__(scope, id_)
        self.key = kms.Key(
            self,
            "Key",
            description=f"Signs the artefacts that stage {settings.stage} registers",
            key_spec=kms.KeySpec.ECC_NIST_P256,
            key_usage=kms.KeyUsage.SIGN_VERIFY,
            pending_window=Duration.days(7),
            removal_policy=settings.removal,
        )

    def signed_by(self, function: lambda_.Function) -> None:
        self._allow(function, "kms:Sign")

    def checked_by(self, function: lambda_.Function) -> None:
        self._allow(function, "kms:Verify")

    def _allow(self, function: lambda_.Function, action: str) -> None:
        function.add_to_role_policy(iam.PolicyStatement(actions=[action], resources=[self.key.key_arn]))
