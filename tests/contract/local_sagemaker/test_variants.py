"""Several variants on a running cloud: weights that change, shadows that nobody hears, and what is captured of both."""

from __future__ import annotations

import json
from functools import partial
from typing import Any, Final

import pytest
from botocore.exceptions import ClientError

from retide.local.interfaces import Json
from tests.contract.local_sagemaker.bench import BUCKET, Bench
from tests.patience import eventually

ONE: Final[Json] = {"InstanceType": "ml.m5.large", "InitialInstanceCount": 1}


def variant(name: str, model: str, weight: float = 1.0) -> Json:
    return {"VariantName": name, "ModelName": model, "InitialVariantWeight": weight, **ONE}


def capture(prefix: str, **header: list[str]) -> Json:
    return {
        "EnableCapture": True,
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": f"s3://{BUCKET}/{prefix}",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        **({"CaptureContentTypeHeader": header} if header else {}),
    }


def serve(bench: Bench, name: str, **config: Any) -> None:
    """An endpoint with the models <name>-1 and <name>-2."""
    bench.model(f"{name}-1", "1")
    bench.model(f"{name}-2", "2")
    bench.sagemaker.create_endpoint_config(EndpointConfigName=name, **config)
    bench.endpoint(name, name)


def captured(bench: Bench, prefix: str) -> list[Json]:
    found = bench.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
    return [json.loads(line) for each in found for line in bench.get(each["Key"]).splitlines()]


def test_weights_move_the_traffic_and_what_serves_goes_on(bench: Bench) -> None:
    serve(bench, "weighed", ProductionVariants=[variant("a", "weighed-1"), variant("b", "weighed-2", 0.0)])

    bench.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName="weighed",
        DesiredWeightsAndCapacities=[
            {"VariantName": "a", "DesiredWeight": 0.0},
            {"VariantName": "b", "DesiredWeight": 3.0, "DesiredInstanceCount": 2},
        ],
    )
    described = bench.settled("weighed")

    shown = {each["VariantName"]: each for each in described["ProductionVariants"]}
    assert (shown["b"]["CurrentWeight"], shown["b"]["CurrentInstanceCount"]) == (3.0, 2)
    assert {bench.invoke("weighed")["version"] for _ in range(10)} == {"2"}
    answer = bench.runtime.invoke_endpoint(EndpointName="weighed", Body=b"x", TargetVariant="a")
    assert answer["InvokedProductionVariant"] == "a"


def test_an_unknown_variant_cannot_be_weighed(bench: Bench) -> None:
    serve(bench, "weighless", ProductionVariants=[variant("a", "weighless-1")])

    with pytest.raises(ClientError, match="has no variant c: it has a"):
        bench.sagemaker.update_endpoint_weights_and_capacities(
            EndpointName="weighless", DesiredWeightsAndCapacities=[{"VariantName": "c", "DesiredWeight": 1.0}]
        )


def test_a_shadow_answers_into_the_capture_only(bench: Bench) -> None:
    serve(
        bench,
        "shadowed",
        ProductionVariants=[variant("live", "shadowed-1")],
        ShadowProductionVariants=[variant("shadow", "shadowed-2")],
        DataCaptureConfig=capture("captured", JsonContentTypes=["application/json"], CsvContentTypes=["text/csv"]),
    )

    for number in range(3):
        answer = bench.runtime.invoke_endpoint(
            EndpointName="shadowed", Body=b"5,6", ContentType="text/csv", InferenceId=f"row-{number}"
        )
        assert answer["InvokedProductionVariant"] == "live"
        assert json.loads(answer["Body"].read())["version"] == "1"

    for name, version in (("live", "1"), ("shadow", "2")):
        lines = eventually(partial(three, bench, f"captured/shadowed/{name}/"), f"what {name} answered is captured")
        assert sorted(line["eventMetadata"]["inferenceId"] for line in lines) == ["row-0", "row-1", "row-2"]
        data = lines[0]["captureData"]
        assert (data["endpointInput"]["data"], data["endpointInput"]["encoding"]) == ("5,6", "CSV")
        assert data["endpointOutput"]["encoding"] == "JSON"
        assert json.loads(data["endpointOutput"]["data"])["version"] == version


def three(bench: Bench, prefix: str) -> list[Json] | None:
    lines = captured(bench, prefix)
    return lines if len(lines) == 3 else None


def test_what_has_no_known_type_is_captured_as_base64(bench: Bench) -> None:
    serve(bench, "binary", ProductionVariants=[variant("a", "binary-1")], DataCaptureConfig=capture("raw"))

    bench.invoke("binary", b"\x00\x01", ContentType="application/octet-stream")

    line = eventually(lambda: captured(bench, "raw/binary/a/"), "the invocation is captured")[0]
    side = line["captureData"]["endpointInput"]
    assert (side["data"], side["encoding"]) == ("AAE=", "BASE64")
    assert bench.sagemaker.describe_endpoint(EndpointName="binary")["DataCaptureConfig"]["CaptureStatus"] == "Started"


def test_every_invocation_is_counted_for_its_variant(bench: Bench) -> None:
    serve(bench, "counted", ProductionVariants=[variant("a", "counted-1"), variant("b", "counted-2")])
    for target in ("a", "a", "b"):
        bench.invoke("counted", TargetVariant=target)
    with pytest.raises(ClientError):
        bench.invoke("counted", b"status 503", TargetVariant="b")

    assert total(bench, "counted", "a", "Invocations") == 2
    assert total(bench, "counted", "b", "Invocations") == 2
    assert total(bench, "counted", "b", "Invocation5XXErrors") == 1
    assert total(bench, "counted", "a", "ModelLatency") > 0


def total(bench: Bench, endpoint: str, name: str, metric: str) -> float:
    now = bench.running.change_time()["now"]
    dimensions = [{"Name": "EndpointName", "Value": endpoint}, {"Name": "VariantName", "Value": name}]
    answer = bench.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/SageMaker",
        MetricName=metric,
        Dimensions=dimensions,
        StartTime="2020-01-01T00:00:00Z",
        EndTime=f"{int(now[:4]) + 1}-01-01T00:00:00Z",
        Period=86_400,
        Statistics=["Sum"],
    )
    return float(sum(point["Sum"] for point in answer["Datapoints"]))


SHADOWS: Final = {
    "two shadows": [variant("s", "forms"), variant("t", "forms")],
    "serverless": [
        {
            "VariantName": "s",
            "ModelName": "forms",
            "ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 1},
        }
    ],
}


@pytest.mark.parametrize("shadows", SHADOWS.values(), ids=SHADOWS)
def test_shadows_that_aws_would_refuse_are_refused(bench: Bench, shadows: list[Json], forms: str) -> None:
    with pytest.raises(ClientError, match=r"ShadowProductionVariants|exactly one production variant"):
        bench.sagemaker.create_endpoint_config(
            EndpointConfigName="never",
            ProductionVariants=[variant("a", forms)],
            ShadowProductionVariants=shadows,
        )


def test_a_serverless_endpoint_captures_nothing(bench: Bench, forms: str) -> None:
    serverless = {"MemorySizeInMB": 1024, "MaxConcurrency": 1}

    with pytest.raises(ClientError, match="serverless endpoint does not support DataCaptureConfig"):
        bench.sagemaker.create_endpoint_config(
            EndpointConfigName="never",
            ProductionVariants=[{"VariantName": "a", "ModelName": forms, "ServerlessConfig": serverless}],
            DataCaptureConfig=capture("never"),
        )


@pytest.fixture(scope="module")
def forms(bench: Bench) -> str:
    bench.model("forms")
    return "forms"
