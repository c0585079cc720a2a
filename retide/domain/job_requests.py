"""The training job that a person starts outside of a run, asked for as the state Train asks for its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from retide.domain import layout
from retide.domain.contract import Contract

JOB_NAME_LIMIT: Final = 63

type Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Places:
    """Where a stage's jobs run and what they carry; all but `bucket` and `stage` are addresses."""

    stage: str
    bucket: str
    role: str
    image: str
    code: str
    libs: str

    def uri(self, key: str) -> str:
        return f"s3://{self.bucket}/{key}"


@dataclass(frozen=True, slots=True)
class Asked:
    """What is trained, under which name, and what the job is told; `dataset` is the folder of its manifests."""

    job: str
    model: str
    dataset: str
    hyperparameters: Mapping[str, str]


def job_name(stage: str, model: str, name: str) -> str:
    """Of all that a person starts; no run of production is ever called so."""
    return f"retide-{stage}-{model}-x-{name}"[:JOB_NAME_LIMIT]


def training_job(asked: Asked, contract: Contract, places: Places) -> Json:
    """CreateTrainingJob with the output under `experiments/`; instance, disk and limit are the contract's."""
    training = contract.training
    channels = (
        _channel("code", "S3Prefix", places.code),
        _channel("libs", "S3Prefix", places.libs),
        _channel("dataset", "S3Prefix", places.uri(asked.dataset)),
        _channel("data", "ManifestFile", places.uri(f"{asked.dataset}files.manifest")),
    )
    return {
        "TrainingJobName": asked.job,
        "RoleArn": places.role,
        "AlgorithmSpecification": {
            "TrainingImage": places.image,
            "TrainingInputMode": "File",
            "ContainerEntrypoint": ["python3", f"/opt/ml/input/data/code/{places.code.rpartition('/')[2]}"],
            "ContainerArguments": ["train"],
        },
        "HyperParameters": dict(asked.hyperparameters),
        "Environment": {"RETIDE_MODEL": asked.model},
        "InputDataConfig": list(channels),
        "OutputDataConfig": {"S3OutputPath": places.uri(layout.experiments(asked.model))},
        "ResourceConfig": {
            "InstanceCount": 1,
            "InstanceType": training.instance_type,
            "VolumeSizeInGB": training.volume_gib,
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": training.max_runtime_seconds},
        "EnableNetworkIsolation": True,
    }


def _channel(name: str, kind: str, uri: str) -> Json:
    source = {"S3DataType": kind, "S3DataDistributionType": "FullyReplicated", "S3Uri": uri}
    return {"ChannelName": name, "InputMode": "File", "DataSource": {"S3DataSource": source}}
