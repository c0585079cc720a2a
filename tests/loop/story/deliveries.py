"""What S3 said on the bus, heard beside the stage's own queue, to be delivered to it in any number and any order."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import batched

from retide.local.cloud import Running
from tests.loop.story.stage import Stage
from tests.patience import while_it_moves

BATCH = 10
NAME = "wiretap"
PATIENCE_SECONDS = 60.0
FAST = 0.01
FROM_THE_BUS = {
    "Version": "2012-10-17",
    "Statement": {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": "*",
    },
}


@dataclass(frozen=True, slots=True)
class Wiretap:
    """A queue of its own on the bus; the stage's own queue hears nothing of the same objects meanwhile."""

    stage: Stage
    url: str

    def heard(self, count: int) -> list[str]:
        """The very events, as EventBridge hands them to a queue, once there are so many."""
        bodies: list[str] = []

        def complete() -> bool:
            answer = self.stage.client("sqs").receive_message(QueueUrl=self.url, MaxNumberOfMessages=BATCH)
            for message in answer.get("Messages", []):
                bodies.append(message["Body"])
                self.stage.client("sqs").delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
            return len(bodies) >= count

        while_it_moves(complete, lambda: len(bodies), f"{count} events on the bus", PATIENCE_SECONDS, pause=FAST)
        return bodies


@contextmanager
def intercepted(stage: Stage, cloud: Running, text: str) -> Iterator[Wiretap]:
    """Keep every event that holds `text` from the stage, for whoever delivers it instead."""
    sqs, events = stage.client("sqs"), stage.client("events")
    url = sqs.create_queue(QueueName=NAME, Attributes={"Policy": json.dumps(FROM_THE_BUS)})["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name=NAME, EventPattern=json.dumps({"source": ["aws.s3"], "detail-type": ["Object Created"]}))
    events.put_targets(Rule=NAME, Targets=[{"Id": "tap", "Arn": arn}])
    cloud.inject("delivery", "drop", target="Arrivals", contains=text, times=0)
    yield Wiretap(stage, url)
    events.remove_targets(Rule=NAME, Ids=["tap"])
    events.delete_rule(Name=NAME)
    sqs.delete_queue(QueueUrl=url)


def deliver(stage: Stage, bodies: Sequence[str]) -> None:
    """Put messages into the stage's one way in, ten at a time, each as a message of its own."""
    sqs, url = stage.client("sqs"), stage.outputs()["ArrivalsQueueUrl"]
    for some in batched(bodies, BATCH):
        entries = [{"Id": str(number), "MessageBody": body} for number, body in enumerate(some)]
        answer = sqs.send_message_batch(QueueUrl=url, Entries=entries)
        assert not answer.get("Failed"), answer
