"""Jobs that go wrong on request, each as SageMaker tells of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.local_sagemaker.bench import BUCKET, Bench, training_request


@pytest.fixture
def troubled_bench(bench: Bench) -> Iterator[Bench]:
    yield bench
    bench.running.clear_faults()


@pytest.mark.parametrize(
    ("fault", "status", "secondary", "reason"),
    [
        ({"effect": "capacity"}, "Failed", "Failed", "CapacityError: Unable to provision"),
        ({"effect": "fail"}, "Failed", "Failed", "InternalServerError: We encountered"),
        ({"effect": "fail", "message": "AlgorithmError: x"}, "Failed", "Failed", "AlgorithmError: x"),
        ({"effect": "fail", "when": "after"}, "Failed", "Failed", "InternalServerError"),
        ({"effect": "kill"}, "Failed", "Failed", "exit code: 137"),
        ({"effect": "stop"}, "Stopped", "Stopped", ""),
        ({"effect": "stop", "when": "after"}, "Stopped", "Stopped", ""),
        ({"effect": "timeout"}, "Stopped", "MaxRuntimeExceeded", ""),
    ],
    ids=str,
)
def test_a_training_job_ends_as_was_asked_and_the_next_one_well(
    troubled_bench: Bench, fault: dict[str, Any], status: str, secondary: str, reason: str
) -> None:
    name = "-".join(["faulty", *(str(value)[:5] for value in fault.values())]).replace(":", "")
    troubled_bench.running.inject("job", **fault, job="Training", name=name)
    lasting = "save" if fault.get("when") == "after" or fault["effect"] in ("fail", "capacity") else "wait"

    job = troubled_bench.train(name, lasting)

    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == (status, secondary)
    assert reason in job.get("FailureReason", "")
    assert troubled_bench.train(f"{name}-again")["TrainingJobStatus"] == "Completed"


def test_a_job_that_fails_at_its_very_end_has_left_its_model(troubled_bench: Bench) -> None:
    troubled_bench.running.inject("job", "fail", name="late", when="after")

    troubled_bench.train("late")

    assert troubled_bench.members("out/late/output/model.tar.gz") == {"weights.txt": "trained"}


def test_a_processing_job_is_killed_and_jobs_of_the_other_kind_are_not(troubled_bench: Bench) -> None:
    troubled_bench.running.inject("job", "kill", job="Processing", times=0)

    assert troubled_bench.train("untouched")["TrainingJobStatus"] == "Completed"
    job = troubled_bench.process("killed-processing", "wait")

    assert job["ProcessingJobStatus"] == "Failed"
    assert "exit code: 137" in job["FailureReason"]


def test_a_job_is_killed_by_the_call_that_it_makes(troubled_bench: Bench) -> None:
    code = (
        "import os, sys, urllib.request\n"
        "def call(name):\n"
        "    request = urllib.request.Request(os.environ['AWS_ENDPOINT_URL'] + f'/{name}', method='PUT', data=b'x',\n"
        "        headers={'x-amz-security-token': os.environ['AWS_SESSION_TOKEN']})\n"
        "    urllib.request.urlopen(request)\n"
        f"call('{BUCKET}/by-a-job/1'); call('{BUCKET}/by-a-job/2')\n"
    )
    troubled_bench.put("calling/job.py", code.encode())
    request = training_request("calling")
    request["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"] = f"s3://{BUCKET}/calling/"
    troubled_bench.running.inject(
        "call", "kill", service="s3", operation="PutObject", caller="training-job/calling", nth=2
    )
    troubled_bench.sagemaker.create_training_job(**request)

    job = troubled_bench.trained("calling")

    assert "exit code: 137" in job["FailureReason"]
    assert troubled_bench.get("by-a-job/1") == b"x"
    with pytest.raises(ClientError, match="NoSuchKey"):
        troubled_bench.get("by-a-job/2")
    assert [
        call["actions"]
        for call in troubled_bench.running.calls()["calls"]
        if call["caller"].endswith("training-job/calling")
    ] == [["s3:PutObject"]] * 2
