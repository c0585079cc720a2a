"""Many objects, and one that no function holds: both take roads of their own, to the same model that answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from tests.loop.story import rows
from tests.loop.story.stage import Stage

type Lower = Callable[[str, int], None]
MODEL = "vineyard"


@pytest.fixture
def lower(stage: Stage) -> Iterator[Lower]:
    """Lower a bound of validation for one test: what the function claim is told by its environment."""
    functions = stage.client("lambda")
    listed = functions.get_paginator("list_functions").paginate()
    found = [function for page in listed for function in page["Functions"]]
    (claim,) = [function for function in found if function["Handler"] == "functions.claim.handler.handler"]
    before = claim["Environment"]["Variables"]

    def change(name: str, value: int) -> None:
        variables = {**before, f"RETIDE_VALIDATE_{name.upper()}": str(value)}
        functions.update_function_configuration(
            FunctionName=claim["FunctionName"], Environment={"Variables": variables}
        )

    yield change
    functions.update_function_configuration(FunctionName=claim["FunctionName"], Environment={"Variables": before})


def test_an_object_too_large_for_a_function_is_judged_by_a_job_and_its_model_is_served(
    stage: Stage, lower: Lower
) -> None:
    lower("bytes", 100)

    record = stage.outcome(MODEL, stage.put(f"incoming/{MODEL}/large.csv", rows.orchard(rows=300)))

    assert record["state"] == "accepted"
    package = stage.run(MODEL, str(record["run"]))["package"]
    stage.client("sagemaker").update_model_package(ModelPackageArn=package, ModelApprovalStatus="Approved")
    assert stage.rollout(MODEL, 1)["verdict"] == "promoted"
    (job,) = judging_jobs(stage, str(record["run"]))
    described = stage.client("sagemaker").describe_processing_job(ProcessingJobName=job)
    assert described["ProcessingJobStatus"] == "Completed"
    assert described["NetworkConfig"]["EnableNetworkIsolation"]
    left = stage.read(f"runs/{MODEL}/{record['run']}/judging/{record['id']}/output/verdict.json")
    assert (left["accepted"], left["rows"], left["curated"]) == (True, 300, record["curated"])


@pytest.mark.nightly
def test_a_refusal_by_a_job_keeps_the_object_byte_for_byte(stage: Stage, lower: Lower) -> None:
    lower("bytes", 100)
    data = rows.orchard(first=20_000).replace(b"weight", b"gewicht", 1)

    sent = stage.put(f"incoming/{MODEL}/wrong.csv", data)
    record = stage.outcome(MODEL, sent)

    assert record["state"] == "quarantined"
    kept = stage.client("s3").get_object(Bucket=stage.bucket, Key=f"quarantine/{MODEL}/{sent.id}/data")["Body"].read()
    assert kept == data
    assert "weight" in str(stage.read(f"quarantine/{MODEL}/{sent.id}/report.json")["findings"])


@pytest.mark.nightly
def test_more_objects_than_one_history_holds_get_executions_of_their_own(stage: Stage, lower: Lower) -> None:
    lower("inline", 2)
    folder, names = f"incoming/{MODEL}/harvest", [f"{n}.csv" for n in range(4)]
    listed = {"files": [{"name": name} for name in names]}
    stage.put(f"{folder}/manifest.json", json.dumps(listed).encode())

    contents = [rows.orchard(rows=50, first=30_000 + 1000 * n) for n in range(4)]
    sent = [stage.put(f"{folder}/{name}", data) for name, data in zip(names, contents, strict=True)]
    records = [stage.outcome(MODEL, version) for version in sent]

    assert [record["state"] for record in records] == ["accepted"] * 4
    (run,) = {str(record["run"]) for record in records}
    states = stage.client("stepfunctions")
    (spread,) = states.list_map_runs(executionArn=stage.run(MODEL, run)["execution"])["mapRuns"]
    told = states.describe_map_run(mapRunArn=spread["mapRunArn"])
    assert (told["itemCounts"]["succeeded"], told["maxConcurrency"]) == (4, 10)
    assert not judging_jobs(stage, run)


def judging_jobs(stage: Stage, run: str) -> list[str]:
    pages = stage.client("sagemaker").get_paginator("list_processing_jobs").paginate(NameContains=f"{run}-")
    found = [job["ProcessingJobName"] for page in pages for job in page["ProcessingJobSummaries"]]
    return [name for name in found if judges(stage, name)]


def judges(stage: Stage, job: str) -> bool:
    """Whether a job was given an object to judge."""
    given = stage.client("sagemaker").describe_processing_job(ProcessingJobName=job)["ProcessingInputs"]
    return any(channel["InputName"] == "object" for channel in given)
