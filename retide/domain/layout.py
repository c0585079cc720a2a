"""Where everything lies in the data bucket: identities become keys here, and incoming keys become identities."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from retide.domain.contract import MODEL_NAME

INCOMING: Final = "incoming/"
KEYS: Final = "keys/"
MARKERS: Final = frozenset({"_SUCCESS", "manifest.json"})


@dataclass(frozen=True, slots=True)
class ObjectVersion:
    """One version of one object: the unit that has exactly one outcome."""

    key: str
    version: str

    @property
    def id(self) -> str:
        """A name that is safe anywhere: the key itself never becomes a path or a name."""
        return hashlib.sha256(f"{self.key}\0{self.version}".encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class RunId:
    """A retrain's identity: the model, its generation, and the attempt at that generation."""

    model: str
    generation: int
    attempt: int

    def __str__(self) -> str:
        return f"{self.model}-{self.generation}-{self.attempt}"

    @classmethod
    def parse(cls, text: str) -> RunId:
        """The inverse of `str`; raises ValueError for anything else."""
        model, generation, attempt = text.rsplit("-", 2)
        return cls(model, int(generation), int(attempt))


def incoming_model(key: str) -> str | None:
    """The model that an incoming key names, or None if it lies outside `incoming/<model>/…`."""
    parts = key.removeprefix(INCOMING).split("/")
    inside = key.startswith(INCOMING) and len(parts) > 1 and parts[-1] != ""
    return parts[0] if inside and MODEL_NAME.fullmatch(parts[0]) else None


def incoming_batch(key: str) -> str | None:
    """The batch folder that an incoming key lies in, or None for a file directly under its model."""
    parts = key.removeprefix(INCOMING).split("/")
    return "/".join(parts[1:-1]) if len(parts) > 2 else None


def curated(model: str, sha256: str) -> str:
    return f"curated/{model}/{sha256}.parquet"


def keys(model: str, object_id: str, digest: str) -> str:
    """The hashes of what must be unique everywhere; `digest` is that of the rules which they were made by."""
    return f"{KEYS}{model}/{object_id}-{digest[:16]}.parquet"


def verdict(model: str, object_id: str) -> str:
    return f"verdicts/{model}/{object_id}.json"


def quarantined(model: str, object_id: str) -> str:
    return f"quarantine/{model}/{object_id}/data"


def quarantined_rows(model: str, object_id: str) -> str:
    """The rows that were taken out of an accepted object."""
    return f"quarantine/{model}/{object_id}/rows.csv"


def quarantine_report(model: str, object_id: str) -> str:
    return f"quarantine/{model}/{object_id}/report.json"


def dataset(model: str, dataset_id: str, name: str) -> str:
    """`name`: manifest.json (what it holds), files.manifest (SageMaker's list of files), profile.json (reference)."""
    return f"datasets/{model}/{dataset_id}/{name}"


def run(run_id: str, model: str, name: str) -> str:
    """`name`: plan.json, candidates.manifest, evaluation/{evaluation,golden}.json, decision.json, record.json, …"""
    return f"runs/{model}/{run_id}/{name}"


def models_prefix(model: str) -> str:
    """The training jobs' output folder: `<prefix>/<job>/output/model.tar.gz`."""
    return f"models/{model}"


def artefact(model: str, job: str) -> str:
    return f"{models_prefix(model)}/{job}/output/model.tar.gz"


def booster(model: str, job: str) -> str:
    """What instances have left that learned together; beside it lie `shards/` and `brief/`, which they learned from."""
    return f"boosting/{model}/{job}/output/model.tar.gz"


def experiments(model: str) -> str:
    """The trial runs' folder, and their training jobs' output folder: `<prefix>/<job>/output/model.tar.gz`."""
    return f"experiments/{model}"


def trial_dataset(model: str, dataset_id: str, name: str) -> str:
    """As `dataset`, of a person's own files."""
    return f"{experiments(model)}/datasets/{dataset_id}/{name}"


def trial_rows(model: str, sha256: str) -> str:
    """As `curated`, of a person's own files."""
    return f"{experiments(model)}/rows/{sha256}.parquet"


def experiment(model: str, name: str, file: str) -> str:
    """`file`: experiment.json, candidates.manifest, evaluation/evaluation.json."""
    return f"{experiments(model)}/{name}/{file}"
