"""The arrivals queue on SQS, and the queues of dead letters."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from itertools import batched
from typing import TYPE_CHECKING, Any, Final

from retide.ports import DeadLetter

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient


INVISIBLE: Final = 120  # seconds
REASONS: Final = ("ErrorMessage", "ERROR_MESSAGE")  # Lambda's attribute of a dead letter, and EventBridge's


class SqsQueue:
    def __init__(self, client: SQSClient, url: str) -> None:
        self._client = client
        self._url = url

    def send(self, message: Mapping[str, Any], delay_seconds: int = 0) -> None:
        self._client.send_message(QueueUrl=self._url, MessageBody=json.dumps(message), DelaySeconds=delay_seconds)

    def send_text(self, body: str) -> None:
        """A message exactly as it once came."""
        self._client.send_message(QueueUrl=self._url, MessageBody=body)

    def send_many(self, messages: Iterable[Mapping[str, Any]]) -> None:
        """Ten at a time; raises OSError naming what SQS did not take."""
        for some in batched(messages, 10):
            entries: Any = [{"Id": str(n), "MessageBody": json.dumps(message)} for n, message in enumerate(some)]
            refused = self._client.send_message_batch(QueueUrl=self._url, Entries=entries).get("Failed", [])
            if refused:
                raise OSError(f"SQS took {len(some) - len(refused)} of {len(some)} messages: {refused[0]['Message']}")


class SqsLetters:
    """A queue of dead letters; a message that was received is invisible for as long as a pass takes."""

    def __init__(self, client: SQSClient, url: str) -> None:
        self._client = client
        self._url = url

    def receive(self) -> tuple[DeadLetter, ...]:
        answer = self._client.receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=10,
            VisibilityTimeout=INVISIBLE,
            MessageAttributeNames=list(REASONS),
        )
        return tuple(_letter(message) for message in answer.get("Messages", []))

    def discard(self, letter: DeadLetter) -> None:
        self._client.delete_message(QueueUrl=self._url, ReceiptHandle=letter.handle)


class SqsDeadLetters(SqsLetters):
    """Those of the arrivals."""

    def __init__(self, client: SQSClient, url: str, arrivals_url: str) -> None:
        super().__init__(client, url)
        self._arrivals_url = arrivals_url

    def redrive(self, letter: DeadLetter) -> None:
        """Sent before it is deleted: what dies in between sends it twice, which the ledger tells apart."""
        self._client.send_message(QueueUrl=self._arrivals_url, MessageBody=letter.body)
        self.discard(letter)


def _letter(message: Any) -> DeadLetter:
    attributes = message.get("MessageAttributes", {})
    why = next((attributes[name]["StringValue"] for name in REASONS if name in attributes), "")
    return DeadLetter(message["Body"], message["ReceiptHandle"], message["MessageId"], why)
