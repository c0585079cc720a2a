"""A search as a SageMaker tuning job: what its request says, and what each of its training jobs is told."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from retide.domain.contract import Contract
from retide.domain.contract_metric import Direction
from retide.domain.contract_tuning import Range, Where
from retide.domain.tuning import Space, size

NAME_LIMIT: Final = 32
PARAM: Final = "params."  # of the names of hyperparameters that are the model's own
OBJECTIVE: Final = "score"
SCORE: Final = "score={:.9g};"  # as a job's log says it; the state machine has the expression that finds it
TUNED_METRIC: Final = "_tuning_objective_metric"  # a hyperparameter that SageMaker adds: so a job knows what it is for
ENTRY: Final = "tune.py"
STARTING_SECONDS: Final = 1800  # for instances to be found

ENTRY_TEXT: Final = '''"""Start the job: a container of a tuning job takes no entrypoint, it runs a script."""

import os
import pathlib
import sys

code = next(pathlib.Path(__file__).resolve().parents[1].glob("input/data/code/*.zip"))
os.execv(sys.executable, [sys.executable, str(code), "train"])
'''


@dataclass(frozen=True, slots=True)
class TuningJob:
    """`ranges` is ParameterRanges, `hyperparameters` what all of its training jobs are told, all of it text."""

    name: str
    strategy: str
    seed: int
    candidates: int
    parallel: int
    type: str
    ranges: Mapping[str, Any]
    hyperparameters: Mapping[str, str]
    timeout_seconds: int


def tuning_job(contract: Contract, name: str, hyperparameters: Mapping[str, str]) -> TuningJob | None:
    """None where the training job itself searches, or nothing does."""
    tuning = contract.tuning
    if tuning.on is not Where.JOBS or not tuning.candidates:
        return None
    lists = all(not isinstance(of, Range) for of in tuning.space.values())
    grid = lists and size(tuning.space) <= tuning.candidates
    candidates = int(size(tuning.space)) if grid else tuning.candidates
    rounds = -(-candidates // tuning.parallel)
    return TuningJob(
        name=name,
        strategy="Grid" if grid else "Random",
        seed=contract.training.seed,
        candidates=candidates,
        parallel=min(tuning.parallel, candidates),
        type="Maximize" if contract.metric.direction is Direction.MAXIMIZE else "Minimize",
        ranges=_ranges(tuning.space),
        hyperparameters={
            **hyperparameters,
            "sagemaker_program": ENTRY,
            "sagemaker_submit_directory": "/opt/ml/input/data/entry",
        },
        timeout_seconds=rounds * (contract.training.max_runtime_seconds + STARTING_SECONDS),
    )


def tuning_name(stage: str, run: str, deployment: str) -> str:
    """At most 32 characters for every stage's name, and unique for ever, as `retrain.job_name` is."""
    mark = hashlib.sha256(f"{deployment}/{stage}/{run}".encode()).hexdigest()
    return f"retide-{stage}-{mark}"[:NAME_LIMIT]


def _ranges(space: Space) -> Mapping[str, Any]:
    found: dict[str, list[Mapping[str, Any]]] = {
        "IntegerParameterRanges": [],
        "ContinuousParameterRanges": [],
        "CategoricalParameterRanges": [],
    }
    for name, of in sorted(space.items()):
        if isinstance(of, Range):
            kind = "IntegerParameterRanges" if of.integer else "ContinuousParameterRanges"
            found[kind].append(_range(name, of))
        else:
            values = [json.dumps(value) for value in of]
            found["CategoricalParameterRanges"].append({"Name": f"{PARAM}{name}", "Values": values})
    return found


def _range(name: str, of: Range) -> Mapping[str, str]:
    low, high = (f"{end:.0f}" if of.integer else f"{end!r}" for end in (of.minimum, of.maximum))
    scale = "Logarithmic" if of.log else "Linear"
    return {"Name": f"{PARAM}{name}", "MinValue": low, "MaxValue": high, "ScalingType": scale}


def chosen_params(hyperparameters: Mapping[str, str]) -> dict[str, Any]:
    """The model's own parameters among the hyperparameters of a job that a tuning job drew."""
    told = {name: text for name, text in hyperparameters.items() if name.startswith(PARAM)}
    return {name.removeprefix(PARAM): json.loads(text) for name, text in told.items()}
