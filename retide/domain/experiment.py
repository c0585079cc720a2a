"""A person's trial run: the jobs of production with other parameters, recorded apart, never registered or served."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from retide.domain import layout
from retide.domain.contract import Contract
from retide.domain.job_requests import Asked, Json, Places, training_job
from retide.domain.retrain import Ingredients, Recipe, hyperparameters

SECONDS_MORE: Final = 3600  # of the evaluation job
INSTANCE_EVALUATES: Final = "ml.m5.large"


@dataclass(frozen=True, slots=True)
class Experiment:
    """experiment.json: what was tried, by whom, and what came of it; times are ISO 8601 in UTC.

    `metrics` and `champion` are on the same holdout; `state` is running, completed or failed, `reason` says why.
    `files` are the names of a person's own, where the dataset was made of such.
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
    files: tuple[str, ...] = ()

    @property
    def folder(self) -> str:
        """Where its dataset's manifests lie."""
        lies = layout.trial_dataset if self.files else layout.dataset
        return lies(self.model, self.dataset, "")


def with_params(contract: Contract, params: Mapping[str, Any]) -> Contract:
    """The contract with some of its parameters changed for a trial."""
    return replace(contract, params={**contract.params, **params})


def training_request(trial: Experiment, contract: Contract, places: Places) -> Json:
    """CreateTrainingJob, as the state Train asks for it, with the output under `experiments/`."""
    recipe = Recipe(trial.code_digest, trial.contract_digest, places.image, "")
    told = hyperparameters(Ingredients(trial.dataset, recipe), contract)
    return training_job(Asked(trial.job, trial.model, trial.folder, told), contract, places)


def evaluation_request(trial: Experiment, places: Places) -> Json:
    """CreateProcessingJob, as the state Evaluate asks for it: trial and champion on one holdout."""
    base = "/opt/ml/processing/input"
    given = (
        ("code", "S3Prefix", places.code),
        ("libs", "S3Prefix", places.libs),
        ("dataset", "S3Prefix", places.uri(trial.folder)),
        ("data", "ManifestFile", places.uri(f"{trial.folder}files.manifest")),
        ("candidates", "ManifestFile", places.uri(layout.experiment(trial.model, trial.name, "candidates.manifest"))),
    )
    code = f"{base}/code/{places.code.rpartition('/')[2]}"
    cluster = {"InstanceCount": 1, "InstanceType": INSTANCE_EVALUATES, "VolumeSizeInGB": 30}
    found = {
        "LocalPath": "/opt/ml/processing/output/evaluation",
        "S3UploadMode": "EndOfJob",
        "S3Uri": places.uri(layout.experiment(trial.model, trial.name, "evaluation")),
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
    return json.dumps([{"prefix": places.uri("")}, *names]).encode()


def _input(name: str, kind: str, uri: str, path: str) -> Json:
    source = {
        "LocalPath": path,
        "S3DataType": kind,
        "S3InputMode": "File",
        "S3DataDistributionType": "FullyReplicated",
        "S3Uri": uri,
    }
    return {"InputName": name, "S3Input": source}
