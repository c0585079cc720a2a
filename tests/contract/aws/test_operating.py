"""What the reconciler and people reach on AWS: dead letters, notices, training jobs, the state of an execution."""

from __future__ import annotations

import json
from typing import Any

import pytest

from retide.aws.clients import Clients
from retide.aws.executions import StepFunctions
from retide.aws.jobs import SageMakerJobs
from retide.aws.notices import SnsNotices
from retide.aws.queue import SqsDeadLetters, SqsLetters, SqsQueue
from retide.ports import ExecutionStatus, Machine


@pytest.fixture
def queues(clients: Clients) -> tuple[str, str]:
    names = ("arrivals", "dead")
    arrivals, dead = (clients.sqs.create_queue(QueueName=name)["QueueUrl"] for name in names)
    return arrivals, dead


def test_a_dead_letter_is_seen_once_a_pass_and_goes_back_to_the_arrivals(
    clients: Clients, queues: tuple[str, str]
) -> None:
    arrivals, dead = queues
    clients.sqs.send_message(QueueUrl=dead, MessageBody='{"a": 1}')
    letters = SqsDeadLetters(clients.sqs, dead, arrivals)
    (letter,) = letters.receive()
    assert letters.receive() == ()
    letters.redrive(letter)
    (message,) = clients.sqs.receive_message(QueueUrl=arrivals)["Messages"]
    assert message["Body"] == '{"a": 1}'
    left = clients.sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["All"])["Attributes"]
    assert left["ApproximateNumberOfMessages"] == left["ApproximateNumberOfMessagesNotVisible"] == "0"


def _depth(clients: Clients, queue: str) -> int:
    """Messages of a queue, visible or not."""
    found = clients.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    return int(found["ApproximateNumberOfMessages"]) + int(found["ApproximateNumberOfMessagesNotVisible"])


def test_a_letter_that_is_discarded_is_gone_from_its_queue_and_goes_nowhere(
    clients: Clients, queues: tuple[str, str]
) -> None:
    arrivals, dead = queues
    for body in ("one", "two"):
        clients.sqs.send_message(QueueUrl=dead, MessageBody=body)
    letters = SqsLetters(clients.sqs, dead)
    first, second = letters.receive()
    letters.discard(first)
    assert (_depth(clients, dead), _depth(clients, arrivals)) == (1, 0)
    letters.discard(second)
    assert _depth(clients, dead) == 0


@pytest.mark.parametrize("attribute", ["ErrorMessage", "ERROR_MESSAGE"])
def test_a_letter_says_its_id_and_why_it_died(clients: Clients, queues: tuple[str, str], attribute: str) -> None:
    typed: Any = {attribute: {"DataType": "String", "StringValue": "no such table"}}
    sent = clients.sqs.send_message(QueueUrl=queues[1], MessageBody="{}", MessageAttributes=typed)
    (letter,) = SqsLetters(clients.sqs, queues[1]).receive()
    assert (letter.id, letter.why) == (sent["MessageId"], "no such table")


def test_a_letter_that_says_nothing_of_its_death_has_no_reason(clients: Clients, queues: tuple[str, str]) -> None:
    clients.sqs.send_message(QueueUrl=queues[1], MessageBody="{}")
    (letter,) = SqsLetters(clients.sqs, queues[1]).receive()
    assert letter.why == ""


@pytest.mark.parametrize("body", ['{"a":  1}', "no JSON at all", "\u00e4 \u2603"])
def test_a_text_is_sent_exactly_as_it_once_came(clients: Clients, queues: tuple[str, str], body: str) -> None:
    SqsQueue(clients.sqs, queues[0]).send_text(body)
    (message,) = clients.sqs.receive_message(QueueUrl=queues[0])["Messages"]
    assert message["Body"] == body


def test_many_messages_are_sent_ten_at_a_time_and_none_is_lost(clients: Clients, queues: tuple[str, str]) -> None:
    SqsQueue(clients.sqs, queues[0]).send_many({"n": n} for n in range(23))
    seen = set()
    while messages := clients.sqs.receive_message(QueueUrl=queues[0], MaxNumberOfMessages=10).get("Messages"):
        seen |= {json.loads(message["Body"])["n"] for message in messages}
    assert seen == set(range(23))


def test_a_notice_reaches_who_subscribed(clients: Clients, queues: tuple[str, str]) -> None:
    topic = clients.sns.create_topic(Name="notices")["TopicArn"]
    arn = clients.sqs.get_queue_attributes(QueueUrl=queues[0], AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    clients.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    SnsNotices(clients.sns, topic).publish("dev: run m-1-1 failed", "the column age is constant")
    (message,) = clients.sqs.receive_message(QueueUrl=queues[0])["Messages"]
    told = json.loads(message["Body"])
    assert (told["Subject"], told["Message"]) == ("dev: run m-1-1 failed", "the column age is constant")


def test_a_training_job_that_is_not_there_has_no_status(clients: Clients) -> None:
    assert SageMakerJobs(clients.sagemaker).training_status("retide-dev-nothing") is None


def test_the_status_of_a_training_job_is_sagemakers_own(clients: Clients) -> None:
    clients.sagemaker.create_training_job(
        TrainingJobName="job",
        AlgorithmSpecification={"TrainingImage": "image", "TrainingInputMode": "File"},
        RoleArn="arn:aws:iam::123456789012:role/jobs",
        OutputDataConfig={"S3OutputPath": "s3://data/models"},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": 60},
    )
    assert SageMakerJobs(clients.sagemaker).training_status("job") == "Completed"


def test_a_tuning_job_has_its_status_too_or_none(clients: Clients) -> None:
    clients.sagemaker.create_hyper_parameter_tuning_job(
        HyperParameterTuningJobName="tuning",
        HyperParameterTuningJobConfig={"Strategy": "Random", "ResourceLimits": {"MaxParallelTrainingJobs": 1}},
    )
    jobs = SageMakerJobs(clients.sagemaker)
    assert (jobs.tuning_status("tuning"), jobs.tuning_status("nothing")) == ("Completed", None)


@pytest.mark.parametrize("execution", ["heir-of/arn:aws:states:us-east-1:123456789012:execution:m:x", "nothing"])
def test_what_is_no_execution_is_gone(clients: Clients, execution: str) -> None:
    machines = {Machine.RETRAIN: "arn:aws:states:us-east-1:123456789012:stateMachine:m"}
    executions = StepFunctions(clients.states, machines)
    assert executions.status(execution) is ExecutionStatus.GONE
    assert not executions.running(execution)
