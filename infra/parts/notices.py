"""Where people hear of what happened: one topic a stage, told by the steps, and by a rule where no step tells."""

from __future__ import annotations

from typing import Final

from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.names import Names

TOLD: Final = (
    "Rejected", "Quarantined", "Failed", "Stopped", "TimedOut",
    "RolledBack", "Refused", "NotPromoted", "NothingToPredict",
)  # fmt: skip
"""Errors with which executions end whose end a step has recorded and told of."""


class Notices(Construct):
    """`topic`: subscribe a mailbox, a chat or a pager to it."""

    def __init__(self, scope: Construct, id_: str, *, names: Names, dead: sqs.IQueue) -> None:
        super().__init__(scope, id_)
        self.topic = sns.Topic(self, "Topic", enforce_ssl=True)
        said = "$.detail.name", "$.detail.status", "$.detail.error", "$.detail.cause"
        name, status, error, cause = map(events.EventField.from_path, said)
        words = events.RuleTargetInput.from_text(f"{names.stage}: execution {name} ended as {status}. {error} {cause}")
        target = targets.SnsTopic(self.topic, message=words, dead_letter_queue=dead)
        events.Rule(self, "Unrecorded", event_pattern=_unrecorded(names), targets=[target])


def _unrecorded(names: Names) -> events.EventPattern:
    machines = [names.machine_arn("retrain"), names.machine_arn("rollout"), names.machine_arn("batch")]
    ends = [{"status": ["TIMED_OUT", "ABORTED"]}, {"status": ["FAILED"], "error": [{"anything-but": list(TOLD)}]}]
    return events.EventPattern(
        source=["aws.states"],
        detail_type=["Step Functions Execution Status Change"],
        detail={"stateMachineArn": machines, "$or": ends},
    )
