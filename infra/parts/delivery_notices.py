"""Where people hear of deliveries: an approval asked for, an execution that failed, a stage that is taken back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.parts.queues import dead_letter_queue

ROLLBACKS: Final = ("AutomatedRollback", "ManualRollback")


class DeliveryNotices(Construct):
    """`topic`: subscribe whoever approves, and whoever mends.

    Not encrypted: AWS's own key for topics lets EventBridge in nowhere, and a key of one's own costs a dollar a month.
    """

    def __init__(self, scope: Construct, id_: str, *, pipeline: str) -> None:
        super().__init__(scope, id_)
        self._pipeline = pipeline
        self.topic = sns.Topic(self, "Topic", enforce_ssl=True)
        self._dead = dead_letter_queue(self, "Failures")
        name, execution = _field("pipeline"), _field("execution-id")
        self._tell(
            "Failed",
            {"state": ["FAILED"]},
            f"{name}: execution {execution} ended as {_field('state')}. Which push it was: `retide delivery list`; "
            "where it failed and why: `retide delivery show COMMIT`",
        )
        self._tell(
            "RolledBack",
            {"state": ["STARTED"], "execution-trigger": {"trigger-type": list(ROLLBACKS)}},
            f"{name}: execution {execution} rolls a stage back ({_field('execution-trigger.trigger-type')}). "
            "Which push was taken back, and why: `retide delivery list`",
        )

    def _tell(self, id_: str, detail: Mapping[str, Any], words: str) -> None:
        message = events.RuleTargetInput.from_text(words)
        pattern = events.EventPattern(
            source=["aws.codepipeline"],
            detail_type=["CodePipeline Pipeline Execution State Change"],
            detail={"pipeline": [self._pipeline], **detail},
        )
        target = targets.SnsTopic(self.topic, message=message, dead_letter_queue=self._dead)
        events.Rule(self, id_, event_pattern=pattern, targets=[target])


def _field(name: str) -> str:
    return events.EventField.from_path(f"$.detail.{name}")
