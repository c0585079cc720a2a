"""An account on one cloud, and the few things that a test does in it again and again."""

from __future__ import annotations

import io
import itertools
import json
import zipfile
from typing import Any, Final

import boto3
from botocore.config import Config

from tests.patience import eventually

Json = dict[str, Any]
ROLE: Final = "arn:aws:iam::000000000000:role/anyone"
WAIT_SCALE: Final = 0.1


class Account:
    """Plain boto3 clients, and helpers that return what AWS says, unchanged."""

    def __init__(self, endpoint_url: str) -> None:
        self.endpoint_url = endpoint_url
        self._numbers = itertools.count()
        self.s3 = self.client("s3")
        self.sqs = self.client("sqs")
        self.events = self.client("events")
        self.states = self.client("stepfunctions")
        self.functions = self.client("lambda")

    def client(self, service: str) -> Any:
        make: Any = boto3.client
        return make(service, endpoint_url=self.endpoint_url, config=Config(retries={"total_max_attempts": 1}))

    def name(self, prefix: str) -> str:
        return f"{prefix}-{next(self._numbers)}"

    def function(self, code: str, **settings: Any) -> str:
        """Create a function whose handler is `handler` in this code; gives its name."""
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr("main.py", code)
        name = self.name("function")
        self.functions.create_function(
            FunctionName=name,
            Runtime="python3.12",
            Handler="main.handler",
            Role=ROLE,
            Code={"ZipFile": archive.getvalue()},
            **settings,
        )
        return name

    def invoke(self, function: str) -> Any:
        return json.load(self.functions.invoke(FunctionName=function)["Payload"])

    def machine(self, states: Json, **fields: Any) -> str:
        definition = {"StartAt": next(iter(states)), "States": states, **fields}
        made = self.states.create_state_machine(
            name=self.name("machine"), definition=json.dumps(definition), roleArn=ROLE
        )
        arn: str = made["stateMachineArn"]
        return arn

    def run(self, states: Json, given: Any = None, **fields: Any) -> Json:
        """Run a machine of these states to its end and describe the execution."""
        started = self.states.start_execution(
            stateMachineArn=self.machine(states, **fields), input=json.dumps({} if given is None else given)
        )
        return self.ended(started["executionArn"])

    def ended(self, execution: str) -> Json:
        def look() -> Json | None:
            described: Json = self.states.describe_execution(executionArn=execution)
            return described if described["status"] != "RUNNING" else None

        return eventually(look, f"{execution} ends")

    def queue(self, *, open_to_events: bool = True) -> tuple[str, str]:
        """A new queue's URL and ARN."""
        url = self.sqs.create_queue(QueueName=self.name("queue"))["QueueUrl"]
        arn = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        if open_to_events:
            sender = {"Service": "events.amazonaws.com"}
            allow = {"Effect": "Allow", "Principal": sender, "Action": "sqs:SendMessage", "Resource": arn}
            insecure = {"Bool": {"aws:SecureTransport": "false"}}
            deny = {"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "sqs:*", "Resource": arn}
            statements = [allow, {**deny, "Condition": insecure}]
            policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
            self.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
        return url, arn

    def receive(self, url: str, *, wait: int = 2) -> list[Json]:
        """What one long poll brings: bodies as JSON, with the messages' attributes under 'attributes'."""
        answer = self.sqs.receive_message(
            QueueUrl=url, WaitTimeSeconds=wait, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        )
        return [
            {
                **json.loads(message["Body"]),
                "attributes": {
                    name: value["StringValue"] for name, value in message.get("MessageAttributes", {}).items()
                },
            }
            for message in answer.get("Messages", [])
        ]

    def receive_all(self, url: str, count: int) -> list[Json]:
        """The first `count` messages, however many polls they take; empty when there are fewer."""
        received: list[Json] = []
        while len(received) < count and (more := self.receive(url)):
            received += more
        return received if len(received) == count else []

    def rule(self, pattern: Json, target: str, **settings: Any) -> str:
        name = self.name("rule")
        self.events.put_rule(Name=name, EventPattern=json.dumps(pattern))
        self.events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": target, **settings}])
        return name

    def put_event(self, source: str, **detail: Any) -> None:
        self.events.put_events(Entries=[{"Source": source, "DetailType": "Test", "Detail": json.dumps(detail)}])


def task(function: str, **fields: Any) -> Json:
    """A Task state that invokes a function with its whole input."""
    parameters = {"FunctionName": function, "Payload.$": "$"}
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": parameters,
        "End": True,
        **fields,
    }
