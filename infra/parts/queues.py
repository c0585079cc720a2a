"""Queues with the house's defaults: encrypted, TLS only, and nothing that fails is dropped."""

from __future__ import annotations

from typing import Final

from aws_cdk import Duration
from aws_cdk import aws_sqs as sqs
from constructs import Construct

ATTEMPTS: Final = 5
KEEP_DEAD: Final = Duration.days(14)


def dead_letter_queue(scope: Construct, id_: str) -> sqs.Queue:
    return sqs.Queue(
        scope, id_, encryption=sqs.QueueEncryption.SQS_MANAGED, enforce_ssl=True, retention_period=KEEP_DEAD
    )


class QueueWithDlq(Construct):
    """`queue`, and `dead` for what failed five times; invisible for six times as long as its reader may take."""

    def __init__(self, scope: Construct, id_: str, *, reader_timeout_seconds: int, window_seconds: int) -> None:
        super().__init__(scope, id_)
        self.dead = dead_letter_queue(self, "Dead")
        self.queue = sqs.Queue(
            self,
            "Queue",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            visibility_timeout=Duration.seconds(6 * reader_timeout_seconds + window_seconds),
            retention_period=Duration.days(4),
            dead_letter_queue=sqs.DeadLetterQueue(max_receive_count=ATTEMPTS, queue=self.dead),
        )
