"""Processing jobs on a running cloud, driven by boto3."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from tests.contract.local_sagemaker.bench import (
    BUCKET,
    Bench,
    processing_input,
    processing_output,
    processing_request,
)

CODE = processing_input("code", f"s3://{BUCKET}/code/", "/opt/ml/processing/code")


def test_a_processing_job_takes_inputs_and_leaves_outputs(bench: Bench) -> None:
    bench.put("raw/a.txt", b"one")
    bench.put("raw/deep/b.txt", b"two")

    job = bench.process(
        "copies",
        ProcessingInputs=[CODE, processing_input("raw", f"s3://{BUCKET}/raw/", "/opt/ml/processing/input")],
        ProcessingOutputConfig={
            "Outputs": [processing_output("capitals", f"s3://{BUCKET}/capitals", "/opt/ml/processing/output")]
        },
    )

    assert job["ProcessingJobStatus"] == "Completed"
    assert job["ExitMessage"] == "copied"
    assert bench.get("capitals/a.txt") == b"ONE"
    assert bench.get("capitals/deep/b.txt") == b"TWO"


def test_a_failed_processing_job_says_why(bench: Bench) -> None:
    job = bench.process("breaks", "fail", "no rows left")

    assert job["ProcessingJobStatus"] == "Failed"
    assert job["FailureReason"] == "AlgorithmError: no rows left, exit code: 3"
    assert job["ExitMessage"] == "no rows left"


def test_a_processing_job_that_runs_too_long_is_stopped(bench: Bench) -> None:
    bench.sagemaker.create_processing_job(
        **processing_request("overruns", "wait", StoppingCondition={"MaxRuntimeInSeconds": 100})
    )
    bench.until_logged("processing", "overruns", "waiting")

    bench.advance(101)

    assert bench.processed("overruns")["ProcessingJobStatus"] == "Stopped"


def test_a_processing_job_can_be_stopped(bench: Bench) -> None:
    bench.sagemaker.create_processing_job(**processing_request("halts", "wait"))
    bench.until_logged("processing", "halts", "waiting")

    bench.sagemaker.stop_processing_job(ProcessingJobName="halts")

    assert bench.processed("halts")["ProcessingJobStatus"] == "Stopped"


def test_a_processing_jobs_name_is_taken_for_ever(bench: Bench) -> None:
    bench.process("only-once")

    with pytest.raises(ClientError, match="ResourceInUse"):
        bench.sagemaker.create_processing_job(**processing_request("only-once"))


def test_files_may_only_stand_below_the_processing_folder(bench: Bench) -> None:
    outside = processing_input("etc", f"s3://{BUCKET}/code/", "/opt/ml/processing/../../etc")

    with pytest.raises(ClientError, match="LocalPath of etc must begin with /opt/ml/processing"):
        bench.sagemaker.create_processing_job(**processing_request("escapes", ProcessingInputs=[outside]))


def test_continuous_upload_is_refused_by_name(bench: Bench) -> None:
    output = processing_output("out", f"s3://{BUCKET}/x", "/opt/ml/processing/output")
    output["S3Output"]["S3UploadMode"] = "Continuous"

    with pytest.raises(ClientError, match=r"NotSupportedByLocalCloud.*S3UploadMode = Continuous"):
        bench.sagemaker.create_processing_job(
            **processing_request("streams", ProcessingOutputConfig={"Outputs": [output]})
        )


def test_processing_jobs_are_listed_by_status(bench: Bench) -> None:
    bench.process("listed-good")
    bench.process("listed-bad", "fail")

    jobs = bench.sagemaker.list_processing_jobs(NameContains="listed-", StatusEquals="Failed")

    assert [job["ProcessingJobName"] for job in jobs["ProcessingJobSummaries"]] == ["listed-bad"]
