"""A cloud whose faults a test asks for, and the things in it that the faults strike."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass
from typing import Any, Final

from retide.local.cloud import Running
from tests.contract.local.account import ROLE, Account, Json

WRITER: Final = """
import boto3
def handler(event, context):
    for key in event["keys"]:
        boto3.client("s3").put_object(Bucket=event["bucket"], Key=key, Body=b"x")
    return "done"
"""


@dataclass(frozen=True)
class Troubled:
    """One running cloud, its faults and its calls; `account` has plain clients without retries."""

    running: Running
    account: Account

    def bucket(self) -> str:
        name = self.account.name("bucket")
        self.account.s3.create_bucket(Bucket=name)
        return name

    def writer(self, role: str = ROLE) -> str:
        """A function that writes empty objects, by its name."""
        name = self.account.name("writer")
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr("main.py", WRITER)
        code = {"ZipFile": archive.getvalue()}
        shape = {"Runtime": "python3.12", "Handler": "main.handler", "Timeout": 20}
        self.account.functions.create_function(FunctionName=name, Role=role, Code=code, **shape)
        return name

    def write(self, function: str, bucket: str, *keys: str) -> Any:
        payload = json.dumps({"bucket": bucket, "keys": keys})
        return json.load(self.account.functions.invoke(FunctionName=function, Payload=payload)["Payload"])

    def keys(self, bucket: str) -> list[str]:
        listed = self.account.s3.list_objects_v2(Bucket=bucket).get("Contents", [])
        return [item["Key"] for item in listed]

    def struck(self) -> list[int]:
        return [fault["struck"] for fault in self.running.faults()]

    def calls(self, *, service: str, since: int = 0) -> list[Json]:
        return [call for call in self.running.calls(since)["calls"] if call["service"] == service]

    def now(self) -> int:
        """The number of the newest call."""
        last: int = self.running.calls()["last"]
        return last

    def bodies(self, url: str) -> list[str]:
        """Bodies of what lies in a queue now, which stays invisible afterwards."""
        found: list[str] = []
        while messages := self.account.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
            found += [message["Body"] for message in messages]
        return found
