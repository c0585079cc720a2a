"""Training jobs on a running cloud, driven by boto3."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from botocore.exceptions import ClientError

from retide.local.processes import Registry
from tests.contract.local_sagemaker.bench import BUCKET, IMAGE, Bench, channel, living, training_request
from tests.patience import eventually


def test_a_training_job_leaves_its_model_and_its_output_on_s3(bench: Bench) -> None:
    job = bench.train("saves")

    assert job["TrainingJobStatus"] == job["SecondaryStatus"] == "Completed"
    assert job["ModelArtifacts"]["S3ModelArtifacts"] == f"s3://{BUCKET}/out/saves/output/model.tar.gz"
    assert bench.members("out/saves/output/model.tar.gz") == {"weights.txt": "trained"}
    assert bench.members("out/saves/output/output.tar.gz") == {"report.txt": "report"}


def test_a_training_job_goes_through_the_documented_states(bench: Bench) -> None:
    job = bench.train("states")

    steps = [step["Status"] for step in job["SecondaryStatusTransitions"]]
    assert steps == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    assert all(a["EndTime"] == b["StartTime"] for a, b in pairwise(job["SecondaryStatusTransitions"]))
    assert job["CreationTime"] <= job["TrainingStartTime"] <= job["TrainingEndTime"] == job["LastModifiedTime"]
    assert job["TrainingTimeInSeconds"] == job["BillableTimeInSeconds"] >= 1


def test_the_same_files_make_the_same_archive(bench: Bench) -> None:
    bench.train("same-1")
    bench.train("same-2")

    assert bench.get("out/same-1/output/model.tar.gz") == bench.get("out/same-2/output/model.tar.gz")


def test_metrics_are_the_last_values_that_the_log_shows(bench: Bench) -> None:
    definitions = [{"Name": "loss", "Regex": "loss=([0-9.]+);"}, {"Name": "absent", "Regex": "absent=([0-9.]+)"}]
    request = training_request("measured")
    request["AlgorithmSpecification"]["MetricDefinitions"] = definitions
    bench.sagemaker.create_training_job(**request)

    metrics = bench.trained("measured")["FinalMetricDataList"]

    assert [(metric["MetricName"], metric["Value"]) for metric in metrics] == [("loss", 0.25)]


def test_the_drivers_of_the_sdks_trainer_find_their_files_and_may_install_nothing(bench: Bench) -> None:
    script = "pip3 install nothing 2>/opt/ml/model/said.txt || python3 /opt/ml/input/data/sm_drivers/deep/run.py"
    bench.put("drivers/sm_train.sh", script.encode())
    bench.put("drivers/deep/run.py", b"from pathlib import Path; Path('/opt/ml/model/ran.txt').write_text('ran')")
    request = training_request("driven", InputDataConfig=[channel("sm_drivers", f"s3://{BUCKET}/drivers/")])
    driver = "/opt/ml/input/data/sm_drivers/sm_train.sh"
    request["AlgorithmSpecification"] |= {
        "ContainerEntrypoint": ["/bin/bash"],
        "ContainerArguments": ["-c", f"chmod +x {driver} && {driver}"],
    }
    bench.sagemaker.create_training_job(**request)

    assert bench.trained("driven")["TrainingJobStatus"] == "Completed"
    left = bench.members("out/driven/output/model.tar.gz")
    assert left["ran.txt"] == "ran"
    assert "install nothing" in left["said.txt"]


def test_a_container_sees_its_configuration_and_nothing_of_this_machine(bench: Bench) -> None:
    bench.put("data/deep/a.csv", b"1,2")
    bench.train(
        "looks-around",
        "report",
        "/opt/ml/input/data",
        "x",
        HyperParameters={"depth": "3"},
        Environment={"PATHS": "/opt/ml/model:/elsewhere:/opt/ml/code", "PLAIN": "/opt/mlx"},
        InputDataConfig=[channel("code", f"s3://{BUCKET}/code/"), channel("train", f"s3://{BUCKET}/data")],
    )

    seen = json.loads(bench.members("out/looks-around/output/model.tar.gz")["seen.json"])
    base = seen["environment"]["SAGEMAKER_BASE_DIR"]
    assert seen["arguments"] == [f"{base}/input/data", "x"]
    assert seen["environment"]["PATHS"] == f"{base}/model:/elsewhere:{base}/code"
    assert seen["environment"]["PLAIN"] == "/opt/mlx"
    assert seen["environment"]["TRAINING_JOB_NAME"] == "looks-around"
    assert seen["environment"]["AWS_ENDPOINT_URL"] == bench.running.endpoint_url
    assert not {"PYTEST_CURRENT_TEST", "VIRTUAL_ENV", "PWD", "USER"} & set(seen["environment"])
    assert seen["files"]["input/data/train/deep/a.csv"] == "1,2"
    assert json.loads(seen["files"]["input/config/hyperparameters.json"]) == {"depth": "3"}
    assert set(json.loads(seen["files"]["input/config/inputdataconfig.json"])) == {"code", "train"}
    assert json.loads(seen["files"]["input/config/resourceconfig.json"])["hosts"] == ["algo-1"]


def test_an_isolated_container_has_no_way_to_aws(bench: Bench) -> None:
    bench.train("isolated", "report", EnableNetworkIsolation=True)

    seen = json.loads(bench.members("out/isolated/output/model.tar.gz")["seen.json"])
    assert not {"AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} & set(seen["environment"])


def test_a_manifest_names_the_files_of_a_channel(bench: Bench) -> None:
    for name in ("a", "b", "c"):
        bench.put(f"parts/{name}.csv", name.encode())
    manifest = [{"prefix": f"s3://{BUCKET}/parts/"}, "a.csv", "c.csv"]
    bench.put("manifests/some.json", json.dumps(manifest).encode())
    some = channel("some", f"s3://{BUCKET}/manifests/some.json", "ManifestFile")

    bench.train("by-manifest", "report", InputDataConfig=[channel("code", f"s3://{BUCKET}/code/"), some])

    files = json.loads(bench.members("out/by-manifest/output/model.tar.gz")["seen.json"])["files"]
    assert {name for name in files if "data/some" in name} == {"input/data/some/a.csv", "input/data/some/c.csv"}


def test_the_failure_file_is_the_reason_of_a_failed_job(bench: Bench) -> None:
    job = bench.train("fails", "fail", "the target has one class")

    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"] == "AlgorithmError: the target has one class, exit code: 3"
    with pytest.raises(ClientError, match="NoSuchKey"):
        bench.get("out/fails/output/model.tar.gz")


def test_a_long_failure_is_cut_to_1024_characters(bench: Bench) -> None:
    job = bench.train("fails-at-length", "fail", "x", "3000")

    assert len(job["FailureReason"]) == 1024
    assert job["FailureReason"].endswith("xx, exit code: 3")


def test_a_job_whose_data_is_not_there_says_so(bench: Bench) -> None:
    job = bench.train("no-data", InputDataConfig=[channel("code", f"s3://{BUCKET}/nothing/here")])

    assert job["TrainingJobStatus"] == "Failed"
    assert f's3://{BUCKET}/nothing/here" given in input data source' in job["FailureReason"]


def test_an_entrypoint_that_is_not_there_fails_the_job(bench: Bench) -> None:
    request = training_request("no-command")
    request["AlgorithmSpecification"]["ContainerEntrypoint"] = ["/no/such/command"]
    bench.sagemaker.create_training_job(**request)

    assert "exit code: 127" in bench.trained("no-command")["FailureReason"]


def test_a_job_that_runs_too_long_is_stopped_and_keeps_what_it_saved(bench: Bench) -> None:
    bench.sagemaker.create_training_job(
        **training_request("too-long", "wait", StoppingCondition={"MaxRuntimeInSeconds": 100})
    )
    bench.until_logged("training", "too-long", "waiting")

    bench.advance(101)

    job = bench.trained("too-long")
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")
    assert bench.members("out/too-long/output/model.tar.gz") == {"checkpoint.txt": "so far"}


def test_a_job_that_ignores_sigterm_is_killed_after_two_minutes(bench: Bench) -> None:
    bench.sagemaker.create_training_job(**training_request("stubborn", "stubborn"))
    bench.until_logged("training", "stubborn", "waiting")

    bench.sagemaker.stop_training_job(TrainingJobName="stubborn")
    bench.until_logged("training", "stubborn", "ignored")
    assert bench.sagemaker.describe_training_job(TrainingJobName="stubborn")["TrainingJobStatus"] == "Stopping"
    bench.advance(121)

    assert bench.trained("stubborn")["SecondaryStatus"] == "Stopped"


def test_a_stopped_job_leaves_no_process(bench: Bench) -> None:
    before = Registry(bench.home).sessions()
    bench.sagemaker.create_training_job(**training_request("stops", "wait"))
    bench.until_logged("training", "stops", "waiting")
    sessions = Registry(bench.home).sessions() - before
    assert len(living(sessions)) >= 2

    bench.sagemaker.stop_training_job(TrainingJobName="stops")

    assert bench.trained("stops")["TrainingJobStatus"] == "Stopped"
    assert bench.members("out/stops/output/model.tar.gz") == {"checkpoint.txt": "so far"}
    assert living(sessions) == []


def test_an_ended_job_cannot_be_stopped(bench: Bench) -> None:
    bench.train("ended")

    with pytest.raises(ClientError, match=r"ValidationException.*ended is in status Completed"):
        bench.sagemaker.stop_training_job(TrainingJobName="ended")


def test_the_name_of_a_job_is_taken_for_ever(bench: Bench) -> None:
    bench.train("once")

    with pytest.raises(ClientError, match=r"ResourceInUse.*Job name must be unique"):
        bench.sagemaker.create_training_job(**training_request("once"))


def test_an_image_without_an_interpreter_is_refused_by_name(bench: Bench) -> None:
    request = training_request("no-image")
    request["AlgorithmSpecification"]["TrainingImage"] = "x.dkr.ecr.us-east-1.amazonaws.com/pytorch:2"

    with pytest.raises(ClientError, match=r"ValidationException.*pytorch:2 cannot run.*sagemaker-scikit-learn"):
        bench.sagemaker.create_training_job(**request)


@pytest.mark.parametrize(
    ("members", "complaint"),
    [
        ({"HyperParameters": {"a": "x" * 2501}}, "length less than or equal to 2500"),
        ({"TrainingJobName": "under_score"}, "regular expression pattern"),
        ({"EnableManagedSpotTraining": True}, "MaxWaitTimeInSeconds .None. must be given"),
        ({"StoppingCondition": {"MaxWaitTimeInSeconds": 9}}, "only be given when EnableManagedSpotTraining"),
        ({"RetryStrategy": {"MaximumRetryAttempts": 3}}, "NotSupportedByLocalCloud.*RetryStrategy"),
        ({"InputDataConfig": [channel("a", "s3://b/c"), channel("a", "s3://b/d")]}, "Channel names must be unique"),
        (
            {"ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 9, "VolumeSizeInGB": 1}},
            "NotSupportedByLocalCloud.*InstanceCount > 8",
        ),
        (
            {"AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "Pipe"}},
            "NotSupportedByLocalCloud|ContainerEntrypoint",
        ),
    ],
)
def test_a_wrong_training_request_is_refused(bench: Bench, members: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ClientError, match=complaint):
        bench.sagemaker.create_training_job(**training_request("refused") | members)


def test_spot_training_is_accepted_as_on_aws(bench: Bench) -> None:
    job = bench.train(
        "on-spot",
        EnableManagedSpotTraining=True,
        StoppingCondition={"MaxRuntimeInSeconds": 100, "MaxWaitTimeInSeconds": 200},
        CheckpointConfig={"S3Uri": f"s3://{BUCKET}/checkpoints"},
    )

    assert job["TrainingJobStatus"] == "Completed"
    assert job["EnableManagedSpotTraining"] is True


def test_a_job_carries_its_tags(bench: Bench) -> None:
    arn = bench.train("tagged", Tags=[{"Key": "run", "Value": "1"}])["TrainingJobArn"]

    bench.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "team", "Value": "a"}])

    assert {tag["Key"]: tag["Value"] for tag in bench.sagemaker.list_tags(ResourceArn=arn)["Tags"]} == {
        "run": "1",
        "team": "a",
    }


def test_jobs_are_listed_page_by_page(bench: Bench) -> None:
    for name in ("page-a", "page-b", "page-c"):
        bench.train(name)
    pages = bench.sagemaker.get_paginator("list_training_jobs").paginate(
        NameContains="page-", SortBy="Name", SortOrder="Descending", PaginationConfig={"PageSize": 2}
    )

    names = [[job["TrainingJobName"] for job in page["TrainingJobSummaries"]] for page in pages]

    assert names == [["page-c", "page-b"], ["page-a"]]


def test_the_files_of_a_job_are_removed_but_its_log_stays(bench: Bench) -> None:
    bench.train("tidy")

    folder = bench.home / "sagemaker" / "training" / "tidy"
    assert eventually(lambda: [path.name for path in folder.iterdir()] == ["log.txt"], "only the log is left")
