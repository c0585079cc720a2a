"""Endpoints on SageMaker: answers as recorded from the service's model, errors in the model's own words."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from botocore.exceptions import ClientError
from botocore.response import StreamingBody
from botocore.stub import Stubber

from retide.aws.clients import Clients
from retide.aws.endpoints import SageMakerEndpoints
from retide.ports import EndpointState, InvocationFailed


@pytest.fixture
def clients() -> Clients:
    return Clients()


@pytest.fixture
def service(clients: Clients) -> Iterator[Stubber]:
    with Stubber(clients.sagemaker) as stub:
        yield stub


@pytest.fixture
def runtime(clients: Clients) -> Iterator[Stubber]:
    with Stubber(clients.sagemaker_runtime) as stub:
        yield stub


@pytest.fixture
def endpoints(clients: Clients) -> SageMakerEndpoints:
    return SageMakerEndpoints(clients.sagemaker, clients.sagemaker_runtime)


def test_an_endpoint_tells_what_it_serves_and_why_not(endpoints: SageMakerEndpoints, service: Stubber) -> None:
    now = datetime.now(UTC)
    answer = {
        "EndpointName": "e",
        "EndpointArn": "arn:aws:sagemaker:us-east-1:123456789012:endpoint/e",
        "EndpointConfigName": "old",
        "EndpointStatus": "InService",
        "FailureReason": "ping",
        "CreationTime": now,
        "LastModifiedTime": now,
    }
    service.add_response("describe_endpoint", answer)
    assert endpoints.describe("e") == EndpointState("InService", "old", "ping")


def test_an_endpoint_that_is_not_there_is_none(endpoints: SageMakerEndpoints, service: Stubber) -> None:
    words = 'Could not find endpoint "arn:aws:sagemaker:us-east-1:123456789012:endpoint/e".'
    service.add_client_error("describe_endpoint", "ValidationException", words)
    assert endpoints.describe("e") is None


def test_other_errors_are_not_taken_for_absence(endpoints: SageMakerEndpoints, service: Stubber) -> None:
    service.add_client_error("describe_endpoint", "AccessDeniedException", "not allowed")
    with pytest.raises(ClientError, match="not allowed"):
        endpoints.describe("e")


def test_an_answer_is_its_bytes(endpoints: SageMakerEndpoints, runtime: Stubber) -> None:
    body = StreamingBody(io.BytesIO(b'{"predictions": []}'), 19)
    runtime.add_response("invoke_endpoint", {"Body": body, "ContentType": "application/json"})
    assert endpoints.invoke("e", b"{}") == b'{"predictions": []}'


def test_a_model_s_error_comes_in_its_own_words(endpoints: SageMakerEndpoints, runtime: Stubber) -> None:
    own = {"OriginalStatusCode": 400, "OriginalMessage": "age must be a number"}
    runtime.add_client_error("invoke_endpoint", "ModelError", "Received client error (400)", modeled_fields=own)
    with pytest.raises(InvocationFailed, match="age must be a number"):
        endpoints.invoke("e", b"{}")


def test_an_error_that_passes_is_left_for_the_state_machine_to_retry(
    endpoints: SageMakerEndpoints, runtime: Stubber
) -> None:
    runtime.add_client_error("invoke_endpoint", "ThrottlingException", "slow down")
    with pytest.raises(ClientError, match="slow down"):
        endpoints.invoke("e", b"{}")
