"""Whoever speaks AWS can use the local cloud: the AWS CLI and boto3, told nothing but the environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import boto3
import pytest

from retide.local.cloud import Running

AWS: Final = Path(sys.executable).with_name("aws")
TRUST: Final = '{"Version": "2012-10-17", "Statement": []}'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


class CommandLine:
    """The AWS CLI with this cloud's environment and no configuration of its own."""

    def __init__(self, running: Running, home: Path) -> None:
        self._environment = {"PATH": os.environ["PATH"], "HOME": str(home), **running.environment()}
        self._home = home

    def __call__(self, *words: str) -> Any:
        """The answer of a command, parsed where it is JSON; fails with what the command complained of."""
        done = subprocess.run(
            [sys.executable, str(AWS), *words],
            env=self._environment,
            cwd=self._home,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout.startswith("{") else done.stdout


@pytest.fixture
def aws(cloud: Running, folder: Path) -> CommandLine:
    return CommandLine(cloud, folder)


def test_the_command_line_knows_who_it_is(aws: CommandLine, cloud: Running) -> None:
    assert aws("sts", "get-caller-identity")["Account"] == cloud.account


def test_the_command_line_copies_objects(aws: CommandLine, folder: Path) -> None:
    (folder / "note.txt").write_text("from the command line")
    aws("s3", "mb", "s3://plain-clients")
    aws("s3", "cp", "note.txt", "s3://plain-clients/notes/a b.txt")
    aws("s3", "sync", "s3://plain-clients/notes", "copied")
    assert (folder / "copied" / "a b.txt").read_text() == "from the command line"


def test_the_command_line_starts_a_machine(aws: CommandLine) -> None:
    definition = json.dumps({"StartAt": "Done", "States": {"Done": {"Type": "Pass", "End": True}}})
    role = aws("iam", "create-role", "--role-name", "plain", "--assume-role-policy-document", TRUST)["Role"]["Arn"]
    made = aws(
        "stepfunctions", "create-state-machine", "--name", "plain", "--definition", definition, "--role-arn", role
    )
    started = aws("stepfunctions", "start-execution", "--state-machine-arn", made["stateMachineArn"], "--name", "once")
    assert started["executionArn"].endswith(":plain:once")


def test_the_command_line_reaches_a_queue_when_it_is_told_the_endpoint(aws: CommandLine, cloud: Running) -> None:
    """Its version 1 knows an endpoint of its own for SQS, which goes before the environment's."""
    url = aws("sqs", "create-queue", "--queue-name", "plain", "--endpoint-url", cloud.endpoint_url)["QueueUrl"]
    asked = ("--queue-url", url, "--attribute-names", "QueueArn")
    found = aws("sqs", "get-queue-attributes", *asked, "--endpoint-url", cloud.endpoint_url)
    assert found["Attributes"]["QueueArn"].endswith(":plain")


def test_the_command_line_sees_the_models_of_sagemaker(aws: CommandLine) -> None:
    assert aws("sagemaker", "list-models") == {"Models": []}


def test_a_command_that_is_refused_says_why(aws: CommandLine) -> None:
    with pytest.raises(AssertionError, match=r"no service 'codecommit'"):
        aws("codecommit", "list-repositories")


def test_boto3_follows_a_message_from_queue_to_queue(cloud: Running) -> None:
    session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=cloud.region)
    queues = session.client("sqs", endpoint_url=cloud.endpoint_url)
    dead = queues.create_queue(QueueName="dead")["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    alive = queues.create_queue(
        QueueName="alive",
        Attributes={
            "RedrivePolicy": json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 1}),
            "VisibilityTimeout": "0",
        },
    )["QueueUrl"]
    queues.send_message(QueueUrl=alive, MessageBody="poison")
    assert [each["Body"] for each in queues.receive_message(QueueUrl=alive)["Messages"]] == ["poison"]
    assert "Messages" not in queues.receive_message(QueueUrl=alive)
    assert [each["Body"] for each in queues.receive_message(QueueUrl=dead)["Messages"]] == ["poison"]
