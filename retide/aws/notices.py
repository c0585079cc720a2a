"""Notices on SNS: one topic a stage, to which people subscribe as they like."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_sns.client import SNSClient


class SnsNotices:
    def __init__(self, client: SNSClient, topic: str) -> None:
        self._client = client
        self._topic = topic

    def publish(self, subject: str, text: str) -> None:
        self._client.publish(TopicArn=self._topic, Subject=subject, Message=text)
