"""A person's trial run: the jobs of production with other parameters, recorded apart, never registered or served."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from retide.domain import layout
from retide.domain.contract import Contract
from retide.domain.retrain import Ingredients, Recipe, hyperparameters

JOB_NAME_LIMIT: Final = 63
SECONDS_MORE: Final = 3600  # of the evaluation job
INSTANCE_EVALUATES: Final = "ml.m5.large"

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Places:
    """Where a stage's jobs run and what they carry; all but `bucket` and `stage` are addresses."""

    stage: str
    bucket: str
    role: str
    image: str
    code: str
    libs: str


@dataclass(frozen=True, slots=True)
class Experiment:
    """experiment.json: what was tried, by whom, and what came of it; times are ISO 8601 in UTC.

    `metrics` and `champion` are on the same holdout; `state` is running, completed or failed, `reason` says why.
    """

    name: str
    model: str
    dataset: str
    params: Mapping[str, Any]
    code_digest: str
    contract_digest: str
    by: str
    started_at: str
    job: str
    champion_version: int = 0
    champion_job: str = ""
    state: str = "running"
    reason: str = ""
    ended_at: str = ""
    metric: str = ""
    holdout_rows: int = 0
    metrics: Mapping[str, float] = field(default_factory=dict)
    champion: Mapping[str, float] = field(default_factory=dict)


def job_name(stage: str, model: str, name: str) -> str:
    """Of both jobs; no run of production is ever called so."""
    return f"retide-{stage}-{model}-x-{name}"[:JOB_NAME_LIMIT]


def with_params(contract: Contract, params: Mapping[str, Any]) -> Contract:
    """The contract with some of its parameters changed for a trial."""
    return replace(contract, params={**contract.params, **params})


def training_request(trial: Experiment, contract: Contract, places: Places) -> Json:
    """CreateTrainingJob, as the state Train asks for it, with the output under `experiments/`."""
    recipe = Recipe(trial.code_digest, trial.contract_digest, places.image, "")
    dataset = layout.dataset(trial.model, trial.dataset, "")
    channels = (
        _channel("code", "S3Prefix", places.code),
        _channel("libs", "S3Prefix", places.libs),
        _channel("dataset", "S3Prefix", _uri(places, dataset)),
        _channel("data", "ManifestFile", _uri(places, f"{dataset}files.manifest")),
    )
    code = f"/opt/ml/input/data/code/{places.code.rpartition('/')[2]}"
    training = contract.training
    return {
        "TrainingJobName": trial.job,
        "RoleArn": places.role,
        "AlgorithmSpecification": {
            "TrainingImage": places.image,
            "TrainingInputMode": "File",
            "ContainerEntrypoint": ["python3", code],
            "ContainerArguments": ["train"],
        },
        "HyperParameters": dict(hyperparameters(Ingredients(trial.dataset, recipe), contract)),
        "Environment": {"RETIDE_MODEL": trial.model},
        "InputDataConfig": list(channels),
        "OutputDataConfig": {"S3OutputPath": _uri(places, layout.experiments(trial.model))},
        "ResourceConfig": {
            "InstanceCount": 1,
            "InstanceType": training.instance_type,
            "VolumeSizeInGB": training.volume_gib,
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": training.max_runtime_seconds},
        "EnableNetworkIsolation": True,
    }


def evaluation_request(trial: Experiment, places: Places) -> Json:
    """CreateProcessingJob, as the state Evaluate asks for it: trial and champion on one holdout."""
    base, dataset = "/opt/ml/processing/input", layout.dataset(trial.model, trial.dataset, "")
    given = (
        ("code", "S3Prefix", places.code),
        ("libs", "S3Prefix", places.libs),
        ("dataset", "S3Prefix", _uri(places, dataset)),
        ("data", "ManifestFile", _uri(places, f"{dataset}files.manifest")),
        ("candidates", "ManifestFile", _uri(places, layout.experiment(trial.model, trial.name, "candidates.manifest"))),
    )
    code = f"{base}/code/{places.code.rpartition('/')[2]}"
    cluster = {"InstanceCount": 1, "InstanceType": INSTANCE_EVALUATES, "VolumeSizeInGB": 30}
    found = {
        "LocalPath": "/opt/ml/processing/output/evaluation",
        "S3UploadMode": "EndOfJob",
        "S3Uri": _uri(places, layout.experiment(trial.model, trial.name, "evaluation")),
    }
    return {
        "ProcessingJobName": trial.job,
        "RoleArn": places.role,
        "AppSpecification": {
            "ImageUri": places.image,
            "ContainerEntrypoint": ["python3", code],
            "ContainerArguments": ["evaluate"],
        },
        "Environment": {
            "RETIDE_MODEL": trial.model,
            "RETIDE_DATASET": trial.dataset,
            "RETIDE_CHALLENGER": trial.job,
            "RETIDE_CHAMPION": trial.champion_job,
        },
        "ProcessingInputs": [_input(name, kind, uri, f"{base}/{name}") for name, kind, uri in given],
        "ProcessingOutputConfig": {"Outputs": [{"OutputName": "evaluation", "S3Output": found}]},
        "ProcessingResources": {"ClusterConfig": cluster},
        "StoppingCondition": {"MaxRuntimeInSeconds": SECONDS_MORE},
        "NetworkConfig": {"EnableNetworkIsolation": True},
    }


def candidates(trial: Experiment, places: Places) -> bytes:
    """SageMaker's list of files: the trial's artefact, and the champion's where there is one."""
    names = [f"{layout.experiments(trial.model)}/{trial.job}/output/model.tar.gz"]
    names += [layout.artefact(trial.model, trial.champion_job)] if trial.champion_job else []
    return json.dumps([{"prefix": _uri(places, "")}, *names]).encode()


def _uri(places: Places, key: str) -> str:
    return f"s3://{places.bucket}/{key}"


def _channel(name: str, kind: str, uri: str) -> Json:
    source = {"S3DataType": kind, "S3DataDistributionType": "FullyReplicated", "S3Uri": uri}
    return {"ChannelName": name, "InputMode": "File", "DataSource": {"S3DataSource": source}}


def _input(name: str, kind: str, uri: str, path: str) -> Json:
    source = {
        "LocalPath": path,
        "S3DataType": kind,
        "S3InputMode": "File",
        "S3DataDistributionType": "FullyReplicated",
        "S3Uri": uri,
    }
    return {"InputName": name, "S3Input": source}
