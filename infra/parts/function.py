"""A Lambda function made from its row: one asset, its own role and log group, and a place for what fails."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aws_cdk import Aws, Duration, Size
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.functions import SCRATCH_MIB, Row
from infra.names import Names, arn
from infra.settings import Settings


@dataclass(frozen=True, slots=True)
class FunctionDefaults:
    """What all functions of a stack share; `places` resolves the words that grants use."""

    settings: Settings
    code: lambda_.Code
    dead: sqs.IQueue
    places: Mapping[str, str]
    variables: Mapping[str, str]
    data_layer: lambda_.ILayerVersion | None = None


class Function(Construct):
    """`function` runs `functions/<name>/handler.py` and may do what its row says, and write its own log."""

    def __init__(self, scope: Construct, id_: str, row: Row, defaults: FunctionDefaults) -> None:
        super().__init__(scope, id_)
        log = log_group(self, "Log", defaults.settings)
        layers = [defaults.data_layer] if row.reads_data and defaults.data_layer else []
        self.function = lambda_.Function(
            self,
            "Function",
            runtime=lambda_.Runtime.PYTHON_3_12,
            architecture=lambda_.Architecture.X86_64,
            code=defaults.code,
            handler=f"functions.{row.name}.handler.handler",
            memory_size=row.memory_mib,
            timeout=Duration.seconds(row.timeout_seconds),
            environment=dict(defaults.variables),
            layers=layers,
            ephemeral_storage_size=Size.mebibytes(SCRATCH_MIB) if row.reads_data else None,
            role=self._role(row, defaults, log),
            log_group=log,
            dead_letter_queue=defaults.dead,
            tracing=lambda_.Tracing.ACTIVE if defaults.settings.tracing else lambda_.Tracing.DISABLED,
        )

    def _role(self, row: Row, defaults: FunctionDefaults, log: logs.ILogGroup) -> iam.Role:
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        writes = ["logs:CreateLogStream", "logs:PutLogEvents"]
        role.add_to_policy(iam.PolicyStatement(actions=writes, resources=[log.log_group_arn]))
        for grant in row.grants:
            role.add_to_policy(grant.statement(defaults.places))
        return role


def told_by_logs(function: lambda_.Function, names: Names) -> None:
    """The logs of this stage's endpoints may call it: which of them do, rollouts say."""
    function.add_permission(
        "Logs",
        principal=iam.ServicePrincipal("logs.amazonaws.com"),
        source_arn=arn("logs", f"log-group:/aws/sagemaker/Endpoints/retide-{names.stage}-*:*"),
        source_account=Aws.ACCOUNT_ID,
    )


def log_group(scope: Construct, id_: str, settings: Settings, *, name: str | None = None) -> logs.LogGroup:
    return logs.LogGroup(
        scope,
        id_,
        log_group_name=name,
        retention=retention(settings.log_days),
        removal_policy=settings.removal,
    )


def retention(days: int) -> logs.RetentionDays:
    return {
        7: logs.RetentionDays.ONE_WEEK,
        30: logs.RetentionDays.ONE_MONTH,
        365: logs.RetentionDays.ONE_YEAR,
    }[days]
