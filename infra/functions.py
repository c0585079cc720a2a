"""Every function as a row: its folder, size, limit and grants. The house's defaults are in `parts/function.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from infra.grants import (
    FAILED_CHILDREN,
    LEDGER,
    NOTIFY,
    RECEIVE,
    REDRIVE,
    SEND,
    TELL_ABSENT,
    Grant,
    follow,
    history,
    packages,
    read,
    start,
    upload,
    write,
)
from retide.domain.hosting import NAMESPACE


@dataclass(frozen=True, slots=True)
class Row:
    """`name` is the folder under functions/ and the step; `reads_data` adds the layer with DuckDB."""

    name: str
    memory_mib: int
    timeout_seconds: int
    grants: tuple[Grant, ...]
    reads_data: bool = False


# AWS knows no narrower resource for these lists.
LIST_HOSTING: Final = Grant(
    ("sagemaker:ListEndpoints", "sagemaker:ListEndpointConfigs", "sagemaker:ListModels"), ("*",)
)
SCALES_ENDPOINTS: Final = ("application-autoscaling:service-namespace", "sagemaker")
# An endpoint that is deleted takes its scaling along, where whoever deletes it may do that.
NOT_SCALED: Final = Grant(
    ("application-autoscaling:DeregisterScalableTarget",), ("{scalable_targets}",), only=SCALES_ENDPOINTS
)
SCRATCH_MIB: Final = 4_096  # of the functions that read data: a file, its rows, and what the engine spills

RETRAINING: Final = (
    Row(
        name="dispatch",
        memory_mib=512,
        timeout_seconds=30,
        grants=(
            RECEIVE,
            LEDGER,
            read("incoming/", "datasets/"),
            TELL_ABSENT,
            start("retrain", "rollout"),
            follow("retrain", "rollout"),
            packages("ListModelPackages", "DescribeModelPackage", "UpdateModelPackage"),
        ),
    ),
    # 10,000 objects are marked in about 400 transactions, at the pace of one partition of the table.
    Row(
        name="claim",
        memory_mib=512,
        timeout_seconds=300,
        grants=(LEDGER, follow("retrain"), write("runs/"), SEND),
    ),
    Row(
        name="validate",
        memory_mib=2048,
        timeout_seconds=300,
        grants=(
            LEDGER,
            read("incoming/", "curated/", "runs/", "datasets/", "keys/"),
            upload("curated/", "quarantine/", "verdicts/", "keys/"),
            TELL_ABSENT,
        ),
        reads_data=True,
    ),
    Row(
        name="prepare_judging",
        memory_mib=2048,
        timeout_seconds=900,
        grants=(
            LEDGER,
            read("incoming/", "runs/", "curated/", "datasets/", "keys/"),
            upload("runs/", "keys/"),
            TELL_ABSENT,
        ),
        reads_data=True,
    ),
    Row(
        name="freeze",
        memory_mib=2048,
        timeout_seconds=600,
        grants=(
            LEDGER,
            read("curated/", "datasets/", "verdicts/", "keys/"),
            upload("curated/", "datasets/", "verdicts/", "keys/", "quarantine/"),
            TELL_ABSENT,
        ),
        reads_data=True,
    ),
    Row(
        name="decide",
        memory_mib=512,
        timeout_seconds=30,
        grants=(
            LEDGER,
            read("datasets/", "runs/", "models/", "boosting/"),
            write("runs/"),
            TELL_ABSENT,
            Grant(("sagemaker:DescribeTrainingJob",), ("{training_jobs}",)),
            Grant(("sagemaker:DescribeHyperParameterTuningJob",), ("{tuning_jobs}",)),
        ),
    ),
    Row(name="gate", memory_mib=512, timeout_seconds=30, grants=(LEDGER, read("runs/"), write("runs/"), TELL_ABSENT)),
    Row(
        name="register",
        memory_mib=1024,
        timeout_seconds=150,
        grants=(
            LEDGER,
            # SageMaker looks at artefact and image with the caller's permissions when a package is created.
            read("runs/", "models/", "datasets/"),
            Grant(("ecr:BatchGetImage",), ("{image}",)),
            write("runs/"),
            TELL_ABSENT,
            packages("CreateModelPackage", "UpdateModelPackage", "ListModelPackages", "DescribeModelPackage"),
        ),
    ),
    Row(
        name="release",
        memory_mib=512,
        timeout_seconds=60,
        grants=(
            LEDGER,
            read("runs/", "datasets/"),
            write("runs/"),
            TELL_ABSENT,
            history("retrain"),
            *FAILED_CHILDREN,
            SEND,
            NOTIFY,
        ),
    ),
    Row(
        name="reconcile",
        memory_mib=512,
        timeout_seconds=240,
        grants=(
            LEDGER,
            read("incoming/"),
            start("retrain", "rollout"),
            follow("retrain", "rollout"),
            history("retrain"),
            packages("ListModelPackages", "DescribeModelPackage", "UpdateModelPackage"),
            Grant(("sagemaker:DescribeEndpoint",), ("{endpoints}",)),
            # A trial endpoint that a dead rollout left, and one of the other kind that clients have left.
            Grant(("sagemaker:DeleteEndpoint",), ("{endpoints}",)),
            Grant(("sagemaker:DeleteEndpointConfig",), ("{endpoint_configs}",)),
            Grant(("sagemaker:DeleteModel",), ("{models}",)),
            NOT_SCALED,
            LIST_HOSTING,
            REDRIVE,
            SEND,
            NOTIFY,
        ),
    ),
    Row(name="announce_code", memory_mib=256, timeout_seconds=30, grants=(LEDGER, SEND)),
)

SERVING: Final = (
    Row(
        name="prepare_rollout",
        memory_mib=1024,
        timeout_seconds=150,
        grants=(
            LEDGER,
            follow("rollout"),
            read("models/", "runs/"),
            TELL_ABSENT,
            packages("DescribeModelPackage", "ListModelPackages", "UpdateModelPackage"),
            Grant(("sagemaker:DescribeEndpoint",), ("{endpoints}",)),
            Grant(("sagemaker:DescribeEndpointConfig",), ("{endpoint_configs}",)),
            Grant(
                (
                    "logs:CreateLogGroup",
                    "logs:PutRetentionPolicy",
                    "logs:PutSubscriptionFilter",
                    "logs:DeleteSubscriptionFilter",
                ),
                ("{endpoint_logs}",),
            ),
            SEND,
        ),
    ),
    Row(
        name="check_rollout",
        memory_mib=512,
        timeout_seconds=150,
        grants=(
            LEDGER,
            read("runs/"),
            TELL_ABSENT,
            Grant(("sagemaker:DescribeEndpoint", "sagemaker:InvokeEndpoint"), ("{endpoints}",)),
            packages("DescribeModelPackage"),
        ),
    ),
    Row(
        name="watch_shift",
        memory_mib=512,
        timeout_seconds=60,
        grants=(
            read("captures/"),
            TELL_ABSENT,
            # AWS knows no narrower resource for it: the namespace is the condition.
            Grant(("cloudwatch:PutMetricData",), ("*",), only=("cloudwatch:namespace", NAMESPACE)),
        ),
    ),
    Row(name="keep_captures", memory_mib=512, timeout_seconds=60, grants=(write("captures/"),)),
    Row(
        name="set_scaling",
        memory_mib=512,
        timeout_seconds=45,
        grants=(
            LEDGER,
            Grant(
                ("application-autoscaling:RegisterScalableTarget", "application-autoscaling:PutScalingPolicy"),
                ("{scalable_targets}",),
                only=SCALES_ENDPOINTS,
            ),
            NOT_SCALED,
            # Application Auto Scaling looks at the endpoint, and makes alarms, with the caller's permissions.
            Grant(("sagemaker:DescribeEndpoint", "sagemaker:UpdateEndpointWeightsAndCapacities"), ("{endpoints}",)),
            Grant(("sagemaker:DescribeEndpointConfig",), ("{endpoint_configs}",)),
            Grant(
                ("cloudwatch:PutMetricAlarm", "cloudwatch:DescribeAlarms", "cloudwatch:DeleteAlarms"),
                ("{scaling_alarms}",),
            ),
            Grant(
                ("iam:CreateServiceLinkedRole",),
                ("{scaling_role}",),
                only=("iam:AWSServiceName", "sagemaker.application-autoscaling.amazonaws.com"),
            ),
        ),
    ),
    Row(
        name="clean_up",
        memory_mib=512,
        timeout_seconds=90,
        grants=(
            LEDGER,
            Grant(("sagemaker:DescribeEndpoint",), ("{endpoints}",)),
            Grant(("sagemaker:DeleteEndpoint",), ("{trial_endpoints}",)),
            Grant(("sagemaker:DescribeEndpointConfig", "sagemaker:DeleteEndpointConfig"), ("{endpoint_configs}",)),
            Grant(("sagemaker:DeleteModel",), ("{models}",)),
            LIST_HOSTING,
        ),
    ),
    Row(
        name="prepare_batch",
        memory_mib=1024,
        timeout_seconds=900,
        grants=(
            LEDGER,
            read("batches/"),
            upload("batches/"),
            TELL_ABSENT,
            Grant(("sagemaker:DescribeEndpoint",), ("{endpoints}",)),
        ),
    ),
    Row(
        name="finish_batch",
        memory_mib=2048,
        timeout_seconds=900,
        grants=(LEDGER, read("batches/"), write("batches/"), TELL_ABSENT),
    ),
    Row(
        name="finish_rollout",
        memory_mib=512,
        timeout_seconds=60,
        grants=(
            LEDGER,
            packages("ListModelPackages", "DescribeModelPackage", "UpdateModelPackage"),
            history("rollout"),
            SEND,
            NOTIFY,
            Grant(("ssm:GetParameter", "ssm:PutParameter"), ("{aliases}",)),
        ),
    ),
)

# Only where a contract leaves the approval of a model to a person; may check the links of notices, and make none.
ANSWER_LINK: Final = Row(
    name="answer_link",
    memory_mib=512,
    timeout_seconds=25,
    grants=(LEDGER, packages("ListModelPackages", "DescribeModelPackage", "UpdateModelPackage")),
)
SIGNING: Final = ("release", "reconcile")
"""The functions that write links into notices."""

# Only where a stage keeps nothing: they remove what CloudFormation did not make and so cannot delete.
EMPTY_BUCKET: Final = Row(
    name="empty_bucket",
    memory_mib=512,
    timeout_seconds=900,
    grants=(
        Grant(("s3:ListBucketVersions",), ("{bucket}",)),
        Grant(("s3:DeleteObject", "s3:DeleteObjectVersion"), ("{bucket}/*",)),
    ),
)
REMOVE_MODEL: Final = Row(
    name="remove_model",
    memory_mib=512,
    timeout_seconds=900,
    grants=(
        LEDGER,
        Grant(("sagemaker:DescribeEndpoint", "sagemaker:DeleteEndpoint"), ("{endpoints}",)),
        Grant(("sagemaker:DeleteEndpointConfig",), ("{endpoint_configs}",)),
        Grant(("sagemaker:DeleteModel",), ("{models}",)),
        packages("ListModelPackages", "DeleteModelPackage"),
        Grant(("ssm:DeleteParameter",), ("{aliases}",)),
        # SageMaker makes it when an endpoint says its first word, and keeps it for ever.
        Grant(("logs:DeleteLogGroup",), ("{endpoint_logs}",)),
        Grant(("logs:DescribeLogGroups",), ("*",)),  # the list of those that begin alike
        NOT_SCALED,
        LIST_HOSTING,
    ),
)

ROWS: Final = (*RETRAINING, *SERVING, EMPTY_BUCKET, REMOVE_MODEL)
"""Every function of a stage whose contracts approve by themselves."""
