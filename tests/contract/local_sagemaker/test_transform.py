"""Transform jobs on a running cloud: files in, answers out, as AWS names, splits, filters and joins them."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest
from botocore.exceptions import ClientError

from retide.local.interfaces import Json
from tests.contract.local_sagemaker.bench import BUCKET, ROLE, Bench
from tests.contract.local_sagemaker.test_tasks import finish
from tests.patience import eventually

LINES: Final = "application/jsonlines"


@pytest.fixture(scope="module")
def model(bench: Bench) -> str:
    bench.model("batch", "lines")
    return "batch"


def request(name: str, model: str, **members: Any) -> Json:
    """Lines of JSON from in/<name>/ to out/<name>/, one request for as many of them as fit."""
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/in/{name}/"}}
    return {
        "TransformJobName": name,
        "ModelName": model,
        "TransformInput": {"DataSource": source, "ContentType": LINES, "SplitType": "Line"},
        "TransformOutput": {
            "S3OutputPath": f"s3://{BUCKET}/out/{name}",
            "Accept": LINES,
            "AssembleWith": "Line",
        },
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
        **members,
    }


def transform(bench: Bench, name: str, model: str, **members: Any) -> Json:
    bench.sagemaker.create_transform_job(**request(name, model, **members))

    def ended() -> Json | None:
        job: Json = bench.sagemaker.describe_transform_job(TransformJobName=name)
        return None if job["TransformJobStatus"] in {"InProgress", "Stopping"} else job

    return eventually(ended, f"the transform job {name} ends")


def stored(bench: Bench, key: str) -> list[Json]:
    return [json.loads(line) for line in bench.get(key).splitlines()]


def test_every_file_gets_its_answers_in_its_own_order(bench: Bench, model: str) -> None:
    bench.put("in/many/a.jsonl", b'{"id": 1}\n{"id": 2}\n\n{"id": 3}')
    bench.put("in/many/deeper/b.jsonl", b'{"id": 4}\n')

    job = transform(bench, "many", model, MaxConcurrentTransforms=2, BatchStrategy="SingleRecord")

    assert job["TransformJobStatus"] == "Completed"
    assert job["TransformStartTime"] <= job["TransformEndTime"]
    assert [each["seen"]["id"] for each in stored(bench, "out/many/a.jsonl.out")] == [1, 2, 3]
    assert [each["together"] for each in stored(bench, "out/many/a.jsonl.out")] == [1, 1, 1]
    assert stored(bench, "out/many/deeper/b.jsonl.out") == [{"seen": {"id": 4}, "together": 1}]


def test_the_key_of_a_row_stays_beside_its_answer(bench: Bench, model: str) -> None:
    bench.put("in/joined/a.jsonl", b'{"key": "A", "record": {"x": 1}}\n{"key": "B", "record": {"x": 2}}\n')
    processing = {
        "InputFilter": "$.record",
        "JoinSource": "Input",
        "OutputFilter": "$['key','SageMakerOutput']",
    }

    transform(bench, "joined", model, DataProcessing=processing)

    assert stored(bench, "out/joined/a.jsonl.out") == [
        {"key": "A", "SageMakerOutput": {"seen": {"x": 1}, "together": 2}},
        {"key": "B", "SageMakerOutput": {"seen": {"x": 2}, "together": 2}},
    ]


def test_a_request_holds_as_many_lines_as_its_payload_allows(bench: Bench, model: str) -> None:
    line = json.dumps({"x": "y" * 400_000}).encode()
    bench.put("in/large/a.jsonl", b"\n".join([line] * 4))

    transform(bench, "large", model, MaxPayloadInMB=1)

    assert [each["together"] for each in stored(bench, "out/large/a.jsonl.out")] == [2, 2, 2, 2]


def test_the_files_of_a_manifest_are_transformed(bench: Bench, model: str) -> None:
    bench.put("parts/one.jsonl", b'{"id": 1}\n')
    bench.put("parts/two.jsonl", b'{"id": 2}\n')
    bench.put("in/some.manifest", json.dumps([{"prefix": f"s3://{BUCKET}/parts/"}, "two.jsonl"]).encode())
    source = {"S3DataSource": {"S3DataType": "ManifestFile", "S3Uri": f"s3://{BUCKET}/in/some.manifest"}}
    given = {"DataSource": source, "ContentType": LINES, "SplitType": "Line"}

    transform(bench, "some", model, TransformInput=given)

    keys = [each["Key"] for each in bench.s3.list_objects_v2(Bucket=BUCKET, Prefix="out/some/")["Contents"]]
    assert keys == ["out/some/two.jsonl.out"]


def test_csv_is_filtered_and_joined_by_its_columns(bench: Bench) -> None:
    bench.model("columns", "columns")
    bench.put("in/csv/a.csv", b"A,1,2\nB,3,4\n")
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/in/csv/"}}

    transform(
        bench,
        "csv",
        "columns",
        TransformInput={"DataSource": source, "ContentType": "text/csv", "SplitType": "Line"},
        TransformOutput={"S3OutputPath": f"s3://{BUCKET}/out/csv", "Accept": "text/csv", "AssembleWith": "Line"},
        DataProcessing={"InputFilter": "$[1:]", "JoinSource": "Input", "OutputFilter": "$[0,-1]"},
    )

    assert bench.get("out/csv/a.csv.out") == b"A,2\nB,2\n"


def test_a_job_whose_model_refuses_fails_and_the_log_says_why(bench: Bench, model: str) -> None:
    bench.put("in/refused/a.jsonl", b"status 400\n")

    job = transform(bench, "refused", model)

    assert (job["TransformJobStatus"], job["FailureReason"]) == (
        "Failed",
        "ClientError: See job logs for more information",
    )
    assert "Bad HTTP status received from algorithm: 400" in bench.log("transform", "refused")


def test_a_job_without_files_fails(bench: Bench, model: str) -> None:
    job = transform(bench, "empty", model)

    assert job["TransformJobStatus"] == "Failed"
    assert "No S3 objects found" in job["FailureReason"]


def test_a_model_that_does_not_start_fails_its_job(bench: Bench) -> None:
    bench.model("batch-broken", "broken")
    bench.put("in/unborn/a.jsonl", b'{"id": 1}\n')

    assert transform(bench, "unborn", "batch-broken")["TransformJobStatus"] == "Failed"
    assert "did not pass the ping health check" in bench.log("transform", "unborn")


def test_a_job_can_be_stopped_between_its_files(bench: Bench, model: str) -> None:
    for number in range(50):
        bench.put(f"in/stopped/{number}.jsonl", b'"slow"\n')
    bench.sagemaker.create_transform_job(**request("stopped", model))

    bench.sagemaker.stop_transform_job(TransformJobName="stopped")

    def status() -> bool:
        job: Json = bench.sagemaker.describe_transform_job(TransformJobName="stopped")
        return bool(job["TransformJobStatus"] == "Stopped")

    eventually(status, "the job is stopped")


def test_a_state_machine_waits_for_its_transform_job(bench: Bench, model: str) -> None:
    bench.put("in/state/a.jsonl", b'{"id": 1}\n')
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sagemaker:createTransformJob.sync",
        "Parameters": request("state", model),
        "End": True,
    }
    definition = json.dumps({"StartAt": "Predict", "States": {"Predict": task}})
    machine = bench.states.create_state_machine(name="predicting", definition=definition, roleArn=ROLE)

    begun = bench.states.start_execution(stateMachineArn=machine["stateMachineArn"])
    output = json.loads(finish(bench, begun["executionArn"])["output"])

    assert output["TransformJobStatus"] == "Completed"
    assert len(stored(bench, "out/state/a.jsonl.out")) == 1


REFUSALS: Final[dict[str, tuple[Json, str]]] = {
    "too much at once": ({"MaxConcurrentTransforms": 20}, "at most 100 MB, and is 120 MB"),
    "a strange filter": ({"DataProcessing": {"InputFilter": "$..x"}}, "filters do not know"),
    "no model": ({"ModelName": "nobody"}, "Could not find model"),
    "a join of nothing": (
        {"DataProcessing": {"JoinSource": "Input"}, "TransformOutput": {"S3OutputPath": f"s3://{BUCKET}/out"}},
        "AssembleWith",
    ),
}


@pytest.mark.parametrize("case", REFUSALS, ids=str)
def test_a_transform_that_aws_would_refuse_is_refused(bench: Bench, model: str, case: str) -> None:
    members, complaint = REFUSALS[case]

    with pytest.raises(ClientError, match=complaint):
        bench.sagemaker.create_transform_job(**request("never", model, **members))
