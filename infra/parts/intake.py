"""The one way in: every trigger becomes a message on one queue, and one function reads it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.parts.queues import QueueWithDlq
from retide.domain.layout import INCOMING


def object_changes(scope: Construct, id_: str, *, bucket: s3.IBucket, into: QueueWithDlq) -> None:
    """An object arrives, or is deleted after it did."""
    detail = {"bucket": {"name": [bucket.bucket_name]}, "object": {"key": [{"prefix": INCOMING}]}}
    _rule(scope, id_, "aws.s3", ("Object Created", "Object Deleted"), detail, into)


def package_is_approved(scope: Construct, id_: str, *, groups: Sequence[str], into: QueueWithDlq) -> None:
    """A change of metadata is announced as Approved too: only the change of the approval itself may deploy."""
    changed = [
        {"UpdatedModelPackageFields": ["ModelApprovalStatus"]},
        {"UpdatedModelPackageFields": [{"exists": False}]},
    ]
    detail = {"ModelPackageGroupName": list(groups), "ModelApprovalStatus": ["Approved"], "$or": changed}
    _rule(scope, id_, "aws.sagemaker", ("SageMaker Model Package State Change",), detail, into)


def read_by(function: lambda_.IFunction, queue: QueueWithDlq, *, window_seconds: int, at_once: int) -> None:
    """One bad message fails alone; only so many batches `at_once`, for they meet in the same ledger."""
    function.add_event_source_mapping(
        "Arrivals",
        event_source_arn=queue.queue.queue_arn,
        batch_size=10,
        max_batching_window=Duration.seconds(window_seconds),
        max_concurrency=at_once,
        report_batch_item_failures=True,
    )


def _rule(
    scope: Construct, id_: str, source: str, kinds: Sequence[str], detail: dict[str, Any], into: QueueWithDlq
) -> None:
    pattern = events.EventPattern(source=[source], detail_type=list(kinds), detail=detail)
    target = targets.SqsQueue(into.queue, dead_letter_queue=into.dead)
    events.Rule(scope, id_, event_pattern=pattern, targets=[target])
