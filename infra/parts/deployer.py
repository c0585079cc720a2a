"""What whoever deploys from outside may do: pass through the CDK's own roles, and use one stage as a person would."""

from __future__ import annotations

from typing import Final

from aws_cdk import Aws, DefaultStackSynthesizer
from aws_cdk import aws_iam as iam

from infra.names import Names, arn

# The roles that `cdk bootstrap` makes for its users; the one that may do everything is CloudFormation's alone.
BOOTSTRAP_ROLES: Final = ("deploy-role", "file-publishing-role", "lookup-role")


def may_deploy(role: iam.Role) -> None:
    """Nothing but to become the CDK's roles of this account and region."""
    qualifier = DefaultStackSynthesizer.DEFAULT_QUALIFIER
    names = (f"cdk-{qualifier}-{kind}-{Aws.ACCOUNT_ID}-{Aws.REGION}" for kind in BOOTSTRAP_ROLES)
    _allow(role, ("sts:AssumeRole",), *(arn("iam", f"role/{name}", region="") for name in names))


def may_observe(role: iam.Role, names: Names) -> None:
    """What `retide smoke` and `retide load` need: read the stage, and ask its endpoints; nothing is changed."""
    stage, bucket, table = f"retide-{names.stage}", _bucket(names), _table(names)
    _allow(role, ("cloudformation:DescribeStacks",), arn("cloudformation", f"stack/{stage}-*/*"))
    _allow(role, ("s3:ListBucket",), bucket)
    _allow(role, ("s3:GetObject",), f"{bucket}/*")
    _allow(role, ("dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query"), table)
    machines = ("states:DescribeStateMachine", "states:ListExecutions")
    _allow(role, machines, *(names.machine_arn(workflow) for workflow in ("retrain", "rollout")))
    executions = (names.execution_arns(workflow) for workflow in ("retrain", "rollout"))
    _allow(role, ("states:GetExecutionHistory",), *executions)
    endpoints = ("sagemaker:DescribeEndpoint", "sagemaker:InvokeEndpoint")
    _allow(role, endpoints, names.sagemaker("endpoint"))
    packages = names.sagemaker("model-package-group"), names.sagemaker("model-package", "*/*")
    _allow(role, ("sagemaker:ListModelPackages",), *packages)


def may_operate(role: iam.Role, names: Names) -> None:
    """What the story needs besides: send data, and say something on the one queue."""
    may_observe(role, names)
    _allow(role, ("s3:PutObject",), f"{_bucket(names)}/incoming/*")
    queue = arn("sqs", f"retide-{names.stage}-retraining-Arrivals*")
    _allow(role, ("sqs:SendMessage", "sqs:GetQueueAttributes"), queue)


def _bucket(names: Names) -> str:
    """CloudFormation names buckets and tables after their stack."""
    return f"arn:{Aws.PARTITION}:s3:::{names.stack('data')}-*"


def _table(names: Names) -> str:
    return arn("dynamodb", f"table/{names.stack('data')}-*")


def _allow(role: iam.Role, actions: tuple[str, ...], *resources: str) -> None:
    role.add_to_policy(iam.PolicyStatement(actions=list(actions), resources=list(resources)))
