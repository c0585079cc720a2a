"""A model is rebuilt by a job that runs what its certificate names, whatever is deployed now."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from retide.cli.failures import CliError
from retide.cli.remote_rebuilding import as_then, train_there
from retide.cli.stage import Stage
from retide.domain.certificate import Together
from retide.domain.evaluation import Boosted
from retide.domain.job_requests import Places
from tests.unit.domain.test_lineage import certificate
from tests.unit.steps.world import CONTRACT

NOW = Places("dev", "data", "arn:role", "1.dkr.ecr.eu-west-1.amazonaws.com/sklearn:2", "s3://assets/new.zip", "s3://l")
OUTPUTS = {
    "DataBucket": NOW.bucket,
    "JobRoleArn": NOW.role,
    "ImageUri": NOW.image,
    "CodeUri": NOW.code,
    "LibsUri": NOW.libs,
}
MADE = replace(certificate(1), hyperparameters={"seed": "7", "params": '{"depth": 3}', "model": "m", "dataset": "d1"})


def code_of_then() -> bytes:
    buffer = io.BytesIO()
    training = {"instance_type": "ml.c5.xlarge", "max_runtime_seconds": 420}
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("models/m/contract.json", json.dumps({**CONTRACT, "training": training}))
        archive.writestr("models/m/code_digest.txt", "c" * 64)
    return buffer.getvalue()


class Cloud:
    """A stage of which everything but the job is a dictionary; the job ends as it is told to."""

    def __init__(self, status: str = "Completed", stored: dict[str, bytes] | None = None) -> None:
        self.asked: list[dict[str, Any]] = []
        self.status, self.name, self.target = status, "dev", "a cloud"
        self.stored = {"code.zip": code_of_then()} if stored is None else stored
        self.clients = SimpleNamespace(s3=self, sagemaker=self)
        self.objects = self

    def output(self, name: str) -> str:
        return OUTPUTS[name]

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803 - boto3's names
        if Key not in self.stored:
            raise ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject")
        return {"Body": io.BytesIO(self.stored[Key])}

    def create_training_job(self, **request: Any) -> None:
        self.asked.append(request)

    def describe_training_job(self, **_: Any) -> dict[str, str]:
        return {"TrainingJobStatus": self.status, "FailureReason": "no rows"}

    def download(self, key: str, version: str | None, path: Path) -> None:
        job = self.asked[0]["TrainingJobName"]
        assert key == f"experiments/m/{job}/output/model.tar.gz"
        with tarfile.open(path, "w:gz") as archive:
            entry = tarfile.TarInfo("./model/model.onnx")
            entry.size = 4
            archive.addfile(entry, io.BytesIO(b"onnx"))


def rebuild(cloud: Cloud, folder: Path) -> Any:
    stage: Stage = cloud  # type: ignore[assignment] # the part of a stage that is used
    return train_there(stage, MADE, folder, lambda _: None)


def test_the_job_runs_the_code_the_packages_the_data_and_the_settings_of_then(tmp_path: Path) -> None:
    cloud = Cloud()
    made = rebuild(cloud, tmp_path)
    (asked,) = cloud.asked
    sources = {one["ChannelName"]: one["DataSource"]["S3DataSource"]["S3Uri"] for one in asked["InputDataConfig"]}
    assert sources["code"] == "s3://a/code.zip"
    assert sources["libs"] == "s3://a/libs.zip"
    assert sources["dataset"] == "s3://data/datasets/m/d1/"
    assert asked["HyperParameters"] == MADE.hyperparameters
    assert asked["AlgorithmSpecification"]["TrainingImage"] == "1.dkr.ecr.eu-west-1.amazonaws.com/sklearn:1"
    assert asked["ResourceConfig"]["InstanceType"] == "ml.c5.xlarge"
    assert asked["TrainingJobName"].startswith("retide-dev-m-x-")
    assert [one.path for one in made.members] == ["model/model.onnx"]


def test_a_job_that_fails_says_its_reason(tmp_path: Path) -> None:
    with pytest.raises(CliError, match="the training job is Failed: no rows"):
        rebuild(Cloud("Failed"), tmp_path)


def test_code_that_was_cleared_away_is_named_and_what_to_do_instead(tmp_path: Path) -> None:
    with pytest.raises(CliError, match=r"s3://a/code\.zip.*without --job"):
        rebuild(Cloud(stored={}), tmp_path)


def test_an_image_without_a_registry_is_taken_as_it_is() -> None:
    assert as_then(replace(NOW, image="sklearn:2"), MADE).image == "sklearn:1"


def test_a_model_of_several_instances_is_not_rebuilt_by_one(tmp_path: Path) -> None:
    together = Together("retide-dev-m-1-1-boost-abc", "xgboost:1", Boosted(3, 100, "s", "b"))
    cloud: Any = Cloud()
    with pytest.raises(CliError, match=r"3 instances trained .* together, and --job starts one: leave it out"):
        train_there(cloud, replace(MADE, boosting=together), tmp_path, lambda _: None)
    assert cloud.asked == []
