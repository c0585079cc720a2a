"""The arrivals queue on SQS."""

from __future__ import annotations

import json

from retide.aws.clients import Clients
from retide.aws.queue import SqsQueue
from retide.domain.events import RolloutAsked, decode, rollout_message


def test_a_message_sent_is_the_message_that_dispatch_decodes(clients: Clients) -> None:
    url = clients.sqs.create_queue(QueueName="arrivals")["QueueUrl"]
    SqsQueue(clients.sqs, url).send(rollout_message("tumour", "after-v1-1"))
    body = clients.sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"]
    assert decode(json.loads(body)) == RolloutAsked("tumour", "after-v1-1")
