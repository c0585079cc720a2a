"""What training and processing jobs have in common: their logs, and that ended ones can be deleted."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from botocore.exceptions import ClientError

from retide.local.interfaces import Json
from tests.contract.local_sagemaker.bench import Bench, training_request
from tests.patience import eventually


def test_the_log_of_a_job_is_in_cloudwatch_logs(bench: Bench) -> None:
    bench.train("logged")

    assert logged(bench, "logged") == ["loss=0.9;", "loss=0.25;"]


def test_what_a_running_job_says_is_in_cloudwatch_logs_while_it_runs(bench: Bench) -> None:
    bench.sagemaker.create_training_job(**training_request("talks", "wait"))

    assert eventually(lambda: logged(bench, "talks"), "the log reaches CloudWatch") == ["waiting"]
    assert bench.sagemaker.describe_training_job(TrainingJobName="talks")["TrainingJobStatus"] == "InProgress"
    bench.sagemaker.stop_training_job(TrainingJobName="talks")
    bench.trained("talks")
    assert logged(bench, "talks") == ["waiting"]


def logged(bench: Bench, job: str) -> list[str]:
    """What CloudWatch has of a job; nothing while there is no stream."""
    group = "/aws/sagemaker/TrainingJobs"
    try:
        streams = bench.logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{job}/")["logStreams"]
    except bench.logs.exceptions.ResourceNotFoundException:
        return []
    found = [bench.logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"]) for stream in streams]
    return [event["message"] for events in found for event in events["events"]]


@pytest.mark.parametrize("kind", ["training", "processing"])
def test_an_ended_job_can_be_deleted_and_its_name_used_again(bench: Bench, kind: str) -> None:
    run: Callable[[str], Json] = bench.train if kind == "training" else bench.process
    delete, describe = (getattr(bench.sagemaker, f"{verb}_{kind}_job") for verb in ("delete", "describe"))
    name = {f"{kind.title()}JobName": f"again-{kind}"}
    first = run(f"again-{kind}")

    delete(**name)

    with pytest.raises(ClientError, match="ValidationException"):
        describe(**name)
    second = run(f"again-{kind}")
    assert second[f"{kind.title()}JobStatus"] == "Completed"
    assert second["CreationTime"] > first["CreationTime"]


def test_a_job_that_runs_cannot_be_deleted(bench: Bench) -> None:
    bench.sagemaker.create_training_job(**training_request("busy", "wait"))
    bench.until_logged("training", "busy", "waiting")

    with pytest.raises(ClientError, match=r"ResourceInUse.*InProgress"):
        bench.sagemaker.delete_training_job(TrainingJobName="busy")
    bench.sagemaker.stop_training_job(TrainingJobName="busy")
    bench.trained("busy")
