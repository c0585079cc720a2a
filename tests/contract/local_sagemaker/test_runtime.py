"""InvokeEndpoint on a running cloud: what passes through, and how failures look."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.local_sagemaker.bench import Bench
from tests.patience import eventually

INSTANCES = {"InstanceType": "ml.m5.large", "InitialInstanceCount": 1}


@pytest.fixture(scope="module")
def endpoint(bench: Bench) -> str:
    bench.config("runtime")
    bench.endpoint("runtime", "runtime")
    return "runtime"


def test_headers_pass_to_the_container_and_back(bench: Bench, endpoint: str) -> None:
    answer = bench.runtime.invoke_endpoint(
        EndpointName=endpoint,
        Body=b"x",
        ContentType="text/csv",
        Accept="application/json",
        CustomAttributes="trace=1",
        InferenceId="row-7",
    )

    assert answer["InvokedProductionVariant"] == "AllTraffic"
    assert answer["ContentType"] == "application/json"
    assert answer["CustomAttributes"] == "trace=1"
    body = answer["Body"].read().decode()
    for expected in ('"CONTENT_TYPE": "text/csv"', '"HTTP_ACCEPT": "application/json"', "row-7"):
        assert expected in body


@pytest.mark.parametrize(("status", "side"), [(400, "client"), (415, "client"), (500, "server"), (503, "server")])
def test_an_error_of_the_container_is_a_model_error(bench: Bench, endpoint: str, status: int, side: str) -> None:
    with pytest.raises(ClientError) as caught:
        bench.invoke(endpoint, f"status {status}".encode())

    answer: Any = caught.value.response
    assert answer["Error"]["Code"] == "ModelError"
    assert f"Received {side} error ({status}) from primary" in answer["Error"]["Message"]
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert (answer["OriginalStatusCode"], answer["OriginalMessage"]) == (status, "as you wished")


def test_an_endpoint_that_is_not_there_is_a_validation_error(bench: Bench) -> None:
    with pytest.raises(ClientError, match=r"ValidationError.*Endpoint nobody of account 000000000000 not found"):
        bench.invoke("nobody")


def test_a_serverless_endpoint_takes_4_mib_and_no_more(bench: Bench, endpoint: str) -> None:
    limit = 4 * 1024 * 1024
    assert len(bench.invoke(endpoint, b"x" * limit)["body"]) == limit

    with pytest.raises(ClientError, match=f"ValidationError.*less than or equal to {limit}"):
        bench.invoke(endpoint, b"x" * (limit + 1))


def test_a_serverless_endpoint_takes_no_more_at_once_than_its_concurrency(bench: Bench) -> None:
    bench.model("one")
    serverless = {"MemorySizeInMB": 1024, "MaxConcurrency": 1}
    variant = {"VariantName": "AllTraffic", "ModelName": "one", "ServerlessConfig": serverless}
    bench.sagemaker.create_endpoint_config(EndpointConfigName="one", ProductionVariants=[variant])
    bench.endpoint("one", "one")
    impatient = bench.client("sagemaker-runtime", retries={"max_attempts": 0})
    slow = threading.Thread(target=lambda: bench.invoke("one", b"slow"))
    slow.start()

    def throttled() -> str | None:
        try:
            impatient.invoke_endpoint(EndpointName="one", Body=b"x")
        except ClientError as error:
            return str(error)
        return None

    refusal = eventually(throttled, "a request is refused")
    assert "ThrottlingException" in refusal
    assert "MaxConcurrency = 1" in refusal
    slow.join()
    assert bench.invoke("one")["version"] == "1"


def test_an_unknown_variant_is_refused_with_those_that_exist(bench: Bench, endpoint: str) -> None:
    with pytest.raises(ClientError, match=r"ValidationError.*variant canary: the endpoint has AllTraffic"):
        bench.invoke(endpoint, TargetVariant="canary")


def test_multi_model_targets_are_refused_by_name(bench: Bench, endpoint: str) -> None:
    with pytest.raises(ClientError, match=r"NotSupportedByLocalCloud.*target-model"):
        bench.invoke(endpoint, TargetModel="a.tar.gz")


def test_response_streams_are_refused_by_name(bench: Bench, endpoint: str) -> None:
    with pytest.raises(ClientError, match=r"NotSupportedByLocalCloud.*invocations-response-stream"):
        bench.runtime.invoke_endpoint_with_response_stream(EndpointName=endpoint, Body=b"x")
