"""Tuning jobs on a running cloud, driven by boto3: children are training jobs, and the best of them is told."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from botocore.exceptions import ClientError

from retide.local.interfaces import Json
from tests.contract.local_sagemaker.bench import BUCKET, IMAGE, ROLE, Bench, channel
from tests.contract.local_sagemaker.test_tasks import OPTIMIZED, finish, run, start, task
from tests.patience import eventually

SCRIPT = """
import json, pathlib, sys, threading
words = dict(zip(sys.argv[1::2], sys.argv[2::2]))
given = json.loads((pathlib.Path(__file__).parents[1] / "input/config/hyperparameters.json").read_text())
(pathlib.Path(__file__).parents[1] / "model/seen.json").write_text(json.dumps([words, given]))
if words.get("--kind") == "wait":
    print("waiting", flush=True)
    threading.Event().wait()
if words.get("--kind") == "fail":
    sys.exit(3)
print(f"score={10 - abs(float(words.get('--rate', 1)) - 3)};")
"""


@pytest.fixture(autouse=True)
def script(bench: Bench) -> None:
    bench.put("tuned/tune.py", SCRIPT.encode())


def request(name: str, ranges: Json, strategy: str = "Random", limits: Json | None = None, **config: Any) -> Json:
    return {
        "HyperParameterTuningJobName": name,
        "HyperParameterTuningJobConfig": {
            "Strategy": strategy,
            "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "score"},
            "ResourceLimits": limits or {"MaxParallelTrainingJobs": 2, "MaxNumberOfTrainingJobs": 3},
            "ParameterRanges": ranges,
            **config,
        },
        "TrainingJobDefinition": {
            "StaticHyperParameters": {
                "sagemaker_program": "tune.py",
                "sagemaker_submit_directory": "/opt/ml/input/data/entry",
            },
            "AlgorithmSpecification": {
                "TrainingImage": IMAGE,
                "TrainingInputMode": "File",
                "MetricDefinitions": [{"Name": "score", "Regex": "score=([0-9.]+);"}],
            },
            "RoleArn": ROLE,
            "InputDataConfig": [channel("entry", f"s3://{BUCKET}/tuned/")],
            "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/out"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10},
            "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
        },
    }


def continuous(name: str = "rate", low: str = "0", high: str = "6", **more: str) -> Json:
    return {"ContinuousParameterRanges": [{"Name": name, "MinValue": low, "MaxValue": high, **more}]}


def categorical(*values: str, name: str = "kind") -> Json:
    return {"CategoricalParameterRanges": [{"Name": name, "Values": list(values)}]}


def ended(bench: Bench, name: str) -> Json:
    def described() -> Json | None:
        job: Json = bench.sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
        return None if job["HyperParameterTuningJobStatus"] in {"InProgress", "Stopping"} else job

    return eventually(described, f"the tuning job {name} ends")


def children(bench: Bench, name: str, **members: Any) -> list[Json]:
    listed = bench.sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=name, **members
    )
    found: list[Json] = listed["TrainingJobSummaries"]
    return found


def test_the_best_of_the_training_jobs_is_told(bench: Bench) -> None:
    bench.sagemaker.create_hyper_parameter_tuning_job(**request("best", continuous(), RandomSeed=7))
    job, made = ended(bench, "best"), children(bench, "best")

    assert job["HyperParameterTuningJobStatus"] == "Completed"
    assert job["TrainingJobStatusCounters"]["Completed"] == len(made) == 3
    assert all(re.fullmatch(r"best-00[123]-[0-9a-f]{8}", child["TrainingJobName"]) for child in made)
    values = {one["TrainingJobName"]: one["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] for one in made}
    best = job["BestTrainingJob"]
    assert values[best["TrainingJobName"]] == max(values.values())
    assert best["FinalHyperParameterTuningJobObjectiveMetric"]["Type"] == "Maximize"
    ranked = children(bench, "best", SortBy="FinalObjectiveMetricValue", SortOrder="Descending")
    assert ranked[0]["TrainingJobName"] == best["TrainingJobName"]


def test_children_are_ordinary_training_jobs_that_know_where_they_come_from(bench: Bench) -> None:
    bench.sagemaker.create_hyper_parameter_tuning_job(**request("kin", categorical("a"), "Grid", ONE))
    parent = ended(bench, "kin")
    (child,) = children(bench, "kin")
    described = bench.sagemaker.describe_training_job(TrainingJobName=child["TrainingJobName"])

    assert described["TuningJobArn"] == parent["HyperParameterTuningJobArn"]
    assert described["HyperParameters"]["kind"] == "a"
    words, given = json.loads(bench.members(f"out/{child['TrainingJobName']}/output/model.tar.gz")["seen.json"])
    assert given["_tuning_objective_metric"] == "score"
    assert words == {"--_tuning_objective_metric": "score", "--kind": "a"}


ONE: Json = {"MaxParallelTrainingJobs": 1}


def test_the_same_seed_tries_the_same_and_a_grid_everything(bench: Bench) -> None:
    for name in ("seed-1", "seed-2"):
        bench.sagemaker.create_hyper_parameter_tuning_job(**request(name, continuous(), RandomSeed=3))
    bench.sagemaker.create_hyper_parameter_tuning_job(**request("grid", categorical("a", "b", "c"), "Grid", ONE))
    for name in ("seed-1", "seed-2", "grid"):
        ended(bench, name)

    first, second = (
        [child["TunedHyperParameters"] for child in children(bench, name, SortBy="Name")]
        for name in ("seed-1", "seed-2")
    )
    assert first == second
    assert [child["TunedHyperParameters"]["kind"] for child in children(bench, "grid", SortBy="Name")] == list("abc")


def test_a_failed_child_is_no_best_and_all_failed_fail_the_tuning_job(bench: Bench) -> None:
    bench.sagemaker.create_hyper_parameter_tuning_job(**request("part", categorical("fail", "ok"), "Grid", ONE))
    bench.sagemaker.create_hyper_parameter_tuning_job(**request("none", categorical("fail"), "Grid", ONE))

    part, none = ended(bench, "part"), ended(bench, "none")
    assert part["HyperParameterTuningJobStatus"] == "Completed"
    assert part["BestTrainingJob"]["TunedHyperParameters"] == {"kind": "ok"}
    assert part["TrainingJobStatusCounters"]["NonRetryableError"] == 1
    assert none["HyperParameterTuningJobStatus"] == "Failed"
    assert "has reported its objective metric" in none["FailureReason"]


def waiting(bench: Bench, name: str) -> None:
    def begun() -> bool:
        known = bench.sagemaker.list_hyper_parameter_tuning_jobs(NameContains=name)
        if not known["HyperParameterTuningJobSummaries"]:
            return False
        running = children(bench, name, StatusEquals="InProgress")
        return bool(running) and "waiting" in bench.log("training", running[0]["TrainingJobName"])

    eventually(begun, f"a training job of {name} waits")


def test_a_stopped_tuning_job_stops_its_children_and_begins_no_more(bench: Bench) -> None:
    bench.sagemaker.create_hyper_parameter_tuning_job(**request("stops", categorical("wait", "ok"), "Grid", ONE))
    waiting(bench, "stops")
    bench.sagemaker.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName="stops")

    assert ended(bench, "stops")["HyperParameterTuningJobStatus"] == "Stopped"
    assert [child["TrainingJobStatus"] for child in children(bench, "stops")] == ["Stopped"]
    with pytest.raises(ClientError, match="is Stopped"):
        bench.sagemaker.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName="stops")


def test_sync_gives_the_best_and_stops_with_its_execution(bench: Bench) -> None:
    resource = f"{OPTIMIZED}createHyperParameterTuningJob.sync"
    execution = run(bench, "sync-tune", task(resource, request("sync-tune", categorical("a"), "Grid", ONE)))
    best = json.loads(execution["output"])["BestTrainingJob"]
    assert best["TunedHyperParameters"] == {"kind": "a"}

    failed = run(bench, "sync-none", task(resource, request("sync-none", categorical("fail"), "Grid", ONE)))
    assert (failed["status"], failed["error"]) == ("FAILED", "States.TaskFailed")
    assert json.loads(failed["cause"])["HyperParameterTuningJobStatus"] == "Failed"

    arn = start(bench, "sync-halt", task(resource, request("sync-halt", categorical("wait"), "Grid", ONE)))
    waiting(bench, "sync-halt")
    bench.states.stop_execution(executionArn=arn)
    finish(bench, arn)
    assert ended(bench, "sync-halt")["HyperParameterTuningJobStatus"] == "Stopped"


REFUSALS: dict[str, tuple[Json, str]] = {
    "a strategy that is not run here": (
        request("no", continuous(), "Bayesian"),
        r"NotSupportedByLocalCloud.*Strategy = Bayesian",
    ),
    "a grid of ranges": (request("no", continuous(), "Grid", ONE), "Grid strategy only takes Categorical"),
    "no parameter": (request("no", {}), "0 hyperparameters are to be tuned"),
    "bounds the wrong way": (request("no", continuous(low="6", high="6")), r"MinValue of rate .* must be less"),
    "a logarithm of 0": (request("no", continuous(ScalingType="Logarithmic")), "only where its MinValue is above 0"),
    "too many at once": (
        request("no", continuous(), limits={"MaxParallelTrainingJobs": 11, "MaxNumberOfTrainingJobs": 20}),
        "MaxParallelTrainingJobs is 11",
    ),
    "a parameter that is static": (
        request("no", categorical("x", name="sagemaker_program"), "Grid", ONE),
        "sagemaker_program cannot be both static and tuned",
    ),
}


@pytest.mark.parametrize(("asked", "words"), REFUSALS.values(), ids=REFUSALS)
def test_what_aws_refuses_or_is_not_run_here_is_refused(bench: Bench, asked: Json, words: str) -> None:
    with pytest.raises(ClientError, match=words):
        bench.sagemaker.create_hyper_parameter_tuning_job(**asked)


def test_names_are_unique_and_a_script_outside_of_a_channel_is_refused(bench: Bench) -> None:
    bench.sagemaker.create_hyper_parameter_tuning_job(**request("once", categorical("a"), "Grid", ONE))
    with pytest.raises(ClientError, match="ResourceInUse"):
        bench.sagemaker.create_hyper_parameter_tuning_job(**request("once", categorical("a"), "Grid", ONE))
    elsewhere = request("far", categorical("a"), "Grid", ONE)
    elsewhere["TrainingJobDefinition"]["StaticHyperParameters"]["sagemaker_submit_directory"] = "s3://b/source.tar.gz"
    with pytest.raises(ClientError, match="outside of a channel"):
        bench.sagemaker.create_hyper_parameter_tuning_job(**elsewhere)
    with pytest.raises(ClientError, match="ResourceNotFound"):
        bench.sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName="nobody")
    ended(bench, "once")
