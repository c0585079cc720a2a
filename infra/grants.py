"""What a function may do, as data: an action list and the places that it holds for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from aws_cdk import aws_iam as iam

from infra.names import Names, arn

SCALER: Final = "sagemaker.application-autoscaling.amazonaws.com"
OBJECTS: Final = "objects"  # the label of the Map whose items are executions of their own


@dataclass(frozen=True, slots=True)
class Grant:
    """`places` are ARNs in which `{bucket}`, `{ledger}` … stand for what `places()` knows; `only` is a condition."""

    actions: tuple[str, ...]
    places: tuple[str, ...]
    only: tuple[str, str] | None = None

    def statement(self, places: Mapping[str, str]) -> iam.PolicyStatement:
        resources = [place.format_map(places) for place in self.places]
        conditions = {"StringEquals": dict([self.only])} if self.only else None
        return iam.PolicyStatement(actions=list(self.actions), resources=resources, conditions=conditions)


def places(
    names: Names, *, bucket: str, ledger: str, arrivals: str, dead_letters: str, failures: str, notices: str, image: str
) -> dict[str, str]:
    """The ARN behind every word that a grant may use."""
    return {
        "bucket": bucket,
        "ledger": ledger,
        "arrivals": arrivals,
        "dead_letters": dead_letters,
        "failures": failures,
        "notices": notices,
        "image": image,
        "retrain": names.machine_arn("retrain"),
        "rollout": names.machine_arn("rollout"),
        "retrain_executions": names.execution_arns("retrain"),
        "rollout_executions": names.execution_arns("rollout"),
        "objects_executions": names.child_arns("retrain", OBJECTS),
        "objects_runs": names.map_run_arns("retrain", OBJECTS),
        "groups": names.sagemaker("model-package-group"),
        "packages": names.sagemaker("model-package", "*/*"),
        "training_jobs": names.sagemaker("training-job"),
        "tuning_jobs": names.sagemaker("hyper-parameter-tuning-job"),
        "endpoints": names.sagemaker("endpoint"),
        "trial_endpoints": names.sagemaker("endpoint", "*-v*-*"),
        "endpoint_configs": names.sagemaker("endpoint-config"),
        "models": names.sagemaker("model"),
        "scalable_targets": arn("application-autoscaling", "scalable-target/*"),
        "scaling_alarms": arn("cloudwatch", f"alarm:TargetTracking-endpoint/retide-{names.stage}-*"),
        "scaling_role": arn("iam", f"role/aws-service-role/{SCALER}/*", region=""),
        "aliases": arn("ssm", f"parameter/retide/{names.stage}/*"),
        "endpoint_logs": arn("logs", f"log-group:/aws/sagemaker/Endpoints/retide-{names.stage}-*"),
    }


def read(*prefixes: str) -> Grant:
    """Objects under these prefixes, in any version."""
    return Grant(("s3:GetObject", "s3:GetObjectVersion"), _objects(prefixes))


def write(*prefixes: str) -> Grant:
    return Grant(("s3:PutObject",), _objects(prefixes))


def upload(*prefixes: str) -> Grant:
    """As `write`, for files large enough to go up in parts."""
    return Grant(("s3:PutObject", "s3:AbortMultipartUpload"), _objects(prefixes))


def start(*machines: str) -> Grant:
    return Grant(("states:StartExecution",), tuple(f"{{{machine}}}" for machine in machines))


def follow(*machines: str) -> Grant:
    """See whether an execution still runs."""
    return Grant(("states:DescribeExecution",), _executions(machines))


def history(*machines: str) -> Grant:
    return Grant(("states:GetExecutionHistory",), _executions(machines))


def packages(*actions: str) -> Grant:
    return Grant(tuple(f"sagemaker:{action}" for action in actions), ("{groups}", "{packages}"))


def _objects(prefixes: Iterable[str]) -> tuple[str, ...]:
    return tuple(f"{{bucket}}/{prefix}*" for prefix in prefixes)


def _executions(machines: Iterable[str]) -> tuple[str, ...]:
    return tuple(f"{{{machine}_executions}}" for machine in machines)


LEDGER: Final = Grant(
    (
        "dynamodb:GetItem",
        "dynamodb:BatchGetItem",
        "dynamodb:Query",
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
        "dynamodb:DeleteItem",
        "dynamodb:ConditionCheckItem",
    ),
    ("{ledger}",),
)
# Without it S3 answers 403 for what is not there, which nobody can tell from a grant that is missing.
TELL_ABSENT: Final = Grant(("s3:ListBucket",), ("{bucket}",))
# Which item of a distributed Map failed, and why: the Map itself says no more than that one did.
FAILED_CHILDREN: Final = (
    Grant(("states:ListMapRuns",), ("{retrain_executions}",)),
    Grant(("states:ListExecutions",), ("{objects_runs}",)),
    Grant(("states:DescribeExecution",), ("{objects_executions}",)),
)
SEND: Final = Grant(("sqs:SendMessage",), ("{arrivals}",))
NOTIFY: Final = Grant(("sns:Publish",), ("{notices}",))
REDRIVE: Final = Grant(("sqs:ReceiveMessage", "sqs:DeleteMessage"), ("{dead_letters}", "{failures}"))
RECEIVE: Final = Grant(
    ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ChangeMessageVisibility"),
    ("{arrivals}",),
)
