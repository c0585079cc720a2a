"""What EventBridge delivers to a queue about jobs, packages and endpoints on a running cloud."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from retide.local.interfaces import Json
from tests.contract.local_sagemaker.bench import IMAGE, Bench
from tests.patience import eventually


@pytest.fixture(scope="module")
def queue(bench: Bench) -> str:
    """A queue that a rule sends all of SageMaker's events to, and whose policy lets it."""
    url: str = bench.sqs.create_queue(QueueName="sagemaker-events")["QueueUrl"]
    arn = bench.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    allow = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage"}
    policy = {"Version": "2012-10-17", "Statement": [allow | {"Resource": arn}]}
    bench.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    bench.events.put_rule(Name="sagemaker-events", EventPattern=json.dumps({"source": ["aws.sagemaker"]}))
    bench.events.put_targets(Rule="sagemaker-events", Targets=[{"Id": "queue", "Arn": arn}])
    return url


def received(bench: Bench, queue: str, arn: str, last: Callable[[Json], bool]) -> list[Json]:
    """What a resource has told, in the order of arrival, until the last event has come."""
    events: list[Json] = []

    def complete() -> bool:
        found = bench.sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        for message in found:
            bench.sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
            event = json.loads(message["Body"])
            events.extend([event] if event["resources"] == [arn] else [])
        return any(last(event) for event in events)

    eventually(complete, "the last event arrives")
    return events


def test_a_training_job_tells_of_every_state(bench: Bench, queue: str) -> None:
    arn = bench.train("tells", Tags=[{"Key": "run", "Value": "7"}])["TrainingJobArn"]

    events = received(bench, queue, arn, lambda event: event["detail"]["TrainingJobStatus"] == "Completed")

    assert {event["detail-type"] for event in events} == {"SageMaker Training Job State Change"}
    assert [event["detail"]["SecondaryStatus"] for event in events][-1] == "Completed"
    detail = events[-1]["detail"]
    assert detail["TrainingJobName"] == "tells"
    assert detail["Tags"] == {"run": "7"}
    assert detail["TrainingEndTime"] > 1_500_000_000_000


def test_a_failed_processing_job_tells_why(bench: Bench, queue: str) -> None:
    arn = bench.process("tells-why", "fail", "no rows")["ProcessingJobArn"]

    events = received(bench, queue, arn, lambda event: event["detail"]["ProcessingJobStatus"] == "Failed")

    assert events[-1]["detail-type"] == "SageMaker Processing Job State Change"
    assert "no rows" in events[-1]["detail"]["FailureReason"]


def test_an_endpoint_tells_its_states_in_capitals(bench: Bench, queue: str) -> None:
    bench.config("tells-1")
    bench.config("tells-2", "2")
    arn = bench.endpoint("tells", "tells-1")["EndpointArn"]
    bench.sagemaker.update_endpoint(EndpointName="tells", EndpointConfigName="tells-2")
    bench.settled("tells")
    bench.sagemaker.delete_endpoint(EndpointName="tells")

    events = received(bench, queue, arn, lambda event: event["detail"]["EndpointStatus"] == "DELETING")

    states = [event["detail"]["EndpointStatus"] for event in events]
    assert sorted(states) == sorted(["CREATING", "IN_SERVICE", "UPDATING", "IN_SERVICE", "DELETING"])
    assert {event["detail-type"] for event in events} == {"SageMaker Endpoint State Change"}


def test_an_approval_reaches_a_rule_with_what_was_changed(bench: Bench, queue: str) -> None:
    bench.sagemaker.create_model_package_group(ModelPackageGroupName="approvals")
    container = {"Image": IMAGE, "ModelDataUrl": "s3://models/1.tar.gz"}
    arn = bench.sagemaker.create_model_package(
        ModelPackageGroupName="approvals",
        InferenceSpecification={
            "Containers": [container],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["application/json"],
        },
    )["ModelPackageArn"]

    bench.sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")

    events = received(bench, queue, arn, lambda event: event["detail"]["ModelApprovalStatus"] == "Approved")
    assert events[-1]["detail-type"] == "SageMaker Model Package State Change"
    assert events[-1]["detail"]["UpdatedModelPackageFields"] == ["ModelApprovalStatus"]
    assert events[-1]["account"] == "000000000000"
