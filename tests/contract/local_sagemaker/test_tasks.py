"""Step Functions on a running cloud: .sync waits, fails, times out and stops its job as AWS does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from retide.local.interfaces import Json
from tests.contract.local_sagemaker.bench import (
    BUCKET,
    ROLE,
    Bench,
    processing_request,
    training_request,
)
from tests.patience import eventually

OPTIMIZED = "arn:aws:states:::sagemaker:"
SDK = "arn:aws:states:::aws-sdk:sagemaker:"


def task(resource: str, parameters: Json, **members: Any) -> Json:
    return {"Type": "Task", "Resource": resource, "Parameters": parameters, "End": True} | members


def start(bench: Bench, name: str, *states: Json) -> str:
    """Run the states one after the other; the execution's ARN."""
    names = [f"S{number}" for number in range(len(states))]
    chained = {
        one: state
        if following is None
        else {key: value for key, value in state.items() if key != "End"} | {"Next": following}
        for one, following, state in zip(names, [*names[1:], None], states, strict=True)
    }
    definition = json.dumps({"StartAt": "S0", "States": chained})
    machine = bench.states.create_state_machine(name=name, definition=definition, roleArn=ROLE)
    arn: str = bench.states.start_execution(stateMachineArn=machine["stateMachineArn"], input="{}")["executionArn"]
    return arn


def finish(bench: Bench, arn: str) -> Json:
    def ended() -> Json | None:
        execution: Json = bench.states.describe_execution(executionArn=arn)
        return None if execution["status"] == "RUNNING" else execution

    return eventually(ended, f"{arn} ends")


def run(bench: Bench, name: str, *states: Json) -> Json:
    return finish(bench, start(bench, name, *states))


def test_sync_waits_for_the_job_and_gives_its_description(bench: Bench) -> None:
    execution = run(bench, "sync", task(f"{OPTIMIZED}createTrainingJob.sync", training_request("sync")))

    assert execution["status"] == "SUCCEEDED"
    output = json.loads(execution["output"])
    assert output["TrainingJobStatus"] == "Completed"
    assert output["ModelArtifacts"]["S3ModelArtifacts"] == f"s3://{BUCKET}/out/sync/output/model.tar.gz"
    assert output["TrainingStartTime"] > 1_500_000_000_000
    tags = bench.sagemaker.list_tags(ResourceArn=output["TrainingJobArn"])["Tags"]
    assert {"Key": "MANAGED_BY_AWS", "Value": "STARTED_BY_STEP_FUNCTIONS"} in tags


def test_sync_runs_processing_jobs_too(bench: Bench) -> None:
    execution = run(bench, "sync-p", task(f"{OPTIMIZED}createProcessingJob.sync", processing_request("sync-p")))

    assert json.loads(execution["output"])["ExitMessage"] == "copied"


def test_a_failed_job_fails_its_task_with_the_description_as_cause(bench: Bench) -> None:
    failing = task(f"{OPTIMIZED}createTrainingJob.sync", training_request("sync-fails", "fail", "no target"))

    execution = run(bench, "sync-fails", failing)

    assert (execution["status"], execution["error"]) == ("FAILED", "States.TaskFailed")
    cause = json.loads(execution["cause"])
    assert cause["TrainingJobStatus"] == "Failed"
    assert cause["FailureReason"].startswith("AlgorithmError: no target")


def test_a_failed_job_can_be_caught(bench: Bench) -> None:
    catch = [{"ErrorEquals": ["States.TaskFailed"], "Next": "S1", "ResultPath": "$.failure"}]
    failing = task(f"{OPTIMIZED}createTrainingJob.sync", training_request("sync-caught", "fail"), Catch=catch)

    execution = run(bench, "sync-caught", failing, {"Type": "Pass", "End": True})

    assert execution["status"] == "SUCCEEDED"
    assert json.loads(execution["output"])["failure"]["Error"] == "States.TaskFailed"


def test_a_job_over_its_own_limit_fails_its_task(bench: Bench) -> None:
    limited = training_request("sync-limit", "wait", StoppingCondition={"MaxRuntimeInSeconds": 100})
    arn = start(bench, "sync-limit", task(f"{OPTIMIZED}createTrainingJob.sync", limited))
    bench.until_logged("training", "sync-limit", "waiting")

    bench.advance(101)

    execution = finish(bench, arn)
    assert execution["status"] == "FAILED"
    assert json.loads(execution["cause"])["SecondaryStatus"] == "MaxRuntimeExceeded"


def test_a_state_that_times_out_stops_its_job(bench: Bench) -> None:
    waiting = task(f"{OPTIMIZED}createTrainingJob.sync", training_request("sync-late", "wait"), TimeoutSeconds=1)

    execution = run(bench, "sync-late", waiting)

    assert (execution["status"], execution["error"]) == ("FAILED", "States.Timeout")
    assert bench.trained("sync-late")["SecondaryStatus"] == "Stopped"


@pytest.mark.parametrize("kind", ["Training", "Processing"])
def test_a_stopped_execution_stops_its_job(bench: Bench, kind: str) -> None:
    name = f"sync-stop-{kind.lower()}"
    request = training_request(name, "wait") if kind == "Training" else processing_request(name, "wait")
    arn = start(bench, name, task(f"{OPTIMIZED}create{kind}Job.sync", request))
    bench.until_logged(kind.lower(), name, "waiting")

    bench.states.stop_execution(executionArn=arn)

    job = bench.trained(name) if kind == "Training" else bench.processed(name)
    assert job[f"{kind}JobStatus"] == "Stopped"
    assert finish(bench, arn)["status"] == "ABORTED"


def test_a_duplicate_name_has_the_error_of_the_optimized_integration(bench: Bench) -> None:
    bench.train("sfn-twice")

    execution = run(bench, "sfn-twice", task(f"{OPTIMIZED}createTrainingJob.sync", training_request("sfn-twice")))

    assert execution["error"] == "SageMaker.ResourceInUseException"
    assert "Error Code: ResourceInUse" in execution["cause"]


def test_a_refused_request_has_the_general_error(bench: Bench) -> None:
    wrong = training_request("sfn-wrong", RoleArn="nobody")

    execution = run(bench, "sfn-wrong", task(f"{OPTIMIZED}createTrainingJob", wrong))

    assert execution["error"] == "SageMaker.AmazonSageMakerException"
    assert "roleArn" in execution["cause"]


def test_what_the_local_cloud_does_not_support_is_no_error_that_all_would_catch(bench: Bench) -> None:
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "S1"}]
    request = training_request("sfn-unsupported", RetryStrategy={"MaximumRetryAttempts": 1})

    refused = task(f"{OPTIMIZED}createTrainingJob", request, Catch=catch)
    execution = run(bench, "sfn-unsupported", refused, {"Type": "Pass", "End": True})

    assert (execution["status"], execution["error"]) == ("FAILED", "States.Runtime")
    assert "RetryStrategy is not supported by the local cloud" in execution["cause"]


def test_a_machine_deploys_a_model(bench: Bench) -> None:
    bench.model("sfn-model")
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": "sfn-model",
        "ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 1},
    }
    config = {"EndpointConfigName": "sfn-1", "ProductionVariants": [variant]}
    again = {"EndpointConfigName": "sfn-2", "ProductionVariants": [variant]}
    run(
        bench,
        "sfn-deploys",
        task(f"{OPTIMIZED}createEndpointConfig", config),
        task(f"{OPTIMIZED}createEndpoint", {"EndpointName": "sfn", "EndpointConfigName": "sfn-1"}),
    )
    assert bench.settled("sfn")["EndpointStatus"] == "InService"

    execution = run(
        bench,
        "sfn-updates",
        task(f"{OPTIMIZED}createEndpointConfig", again),
        task(f"{OPTIMIZED}updateEndpoint", {"EndpointName": "sfn", "EndpointConfigName": "sfn-2"}),
    )

    assert json.loads(execution["output"])["EndpointArn"].endswith("endpoint/sfn")
    assert bench.settled("sfn")["EndpointConfigName"] == "sfn-2"


def test_the_sdk_integration_reaches_every_operation(bench: Bench) -> None:
    bench.train("by-sdk")

    execution = run(bench, "by-sdk", task(f"{SDK}describeTrainingJob", {"TrainingJobName": "by-sdk"}))

    output = json.loads(execution["output"])
    assert output["TrainingJobStatus"] == "Completed"
    assert output["CreationTime"].endswith("Z")


@pytest.mark.parametrize(
    ("action", "parameters", "error"),
    [
        ("describeEndpoint", {"EndpointName": "nobody"}, "SageMaker.SageMakerException"),
        ("createTrainingJob", training_request("sdk-twice"), "SageMaker.ResourceInUseException"),
        ("listDomains", {}, "States.Runtime"),
    ],
)
def test_errors_of_the_sdk_integration_have_the_names_of_the_sdk(
    bench: Bench, action: str, parameters: Json, error: str
) -> None:
    if action == "createTrainingJob":
        bench.train("sdk-twice")

    execution = run(bench, f"sdk-{action}", task(f"{SDK}{action}", parameters))

    assert execution["error"] == error
