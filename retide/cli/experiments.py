"""Carry out a trial run on a stage: train, evaluate beside the champion, and keep what came of it."""

from __future__ import annotations

import io
import json
import secrets
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from retide.cli.failures import CliError
from retide.cli.jobs import JobFailed, stop, wait_for_processing, wait_for_training
from retide.cli.own_data import bring
from retide.cli.stage import Stage
from retide.domain import layout
from retide.domain.codec import parse, serialise
from retide.domain.contract import Contract
from retide.domain.contract import parse as read_contract
from retide.domain.evaluation import Evaluation, read
from retide.domain.experiment import (
    Experiment,
    candidates,
    evaluation_request,
    training_request,
    with_params,
)
from retide.domain.job_requests import Places, job_name

RUNNING, COMPLETED, FAILED = "running", "completed", "failed"


@dataclass(frozen=True, slots=True)
class Code:
    """What the deployed code says of a model."""

    contract: Contract
    digest: str


@dataclass(frozen=True, slots=True)
class Rows:
    """What is learned and judged from: a person's own files, or the stage's dataset of an id, empty for the newest."""

    files: tuple[Path, ...] = ()
    dataset: str = ""


def places(stage: Stage) -> Places:
    names = ("DataBucket", "JobRoleArn", "ImageUri", "CodeUri", "LibsUri")
    return Places(stage.name, *(stage.output(name) for name in names))


def deployed(stage: Stage, model: str, code: str) -> Code:
    """Contract and digest of the code that the stage's own jobs run."""
    bucket, _, key = code.removeprefix("s3://").partition("/")
    body = stage.clients.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        contract = json.loads(archive.read(f"models/{model}/contract.json"))
        digest = archive.read(f"models/{model}/code_digest.txt").decode()
    return Code(read_contract(contract, model), digest)


def _known(stage: Stage, model: str, dataset: str) -> str:
    """The stage's dataset of that id, or the newest; raises CliError for one that it has not."""
    if not dataset:
        return _newest(stage, model)
    if not stage.objects.exists(layout.dataset(model, dataset, "manifest.json")):
        raise CliError(f"{model} has no dataset {dataset!r}: `retide runs --model {model}` names those there are")
    return dataset


def _newest(stage: Stage, model: str) -> str:
    found = next((run.dataset for run in reversed(stage.ledger.runs(model)) if run.dataset), None)
    if found is None:
        raise CliError(f"{model} has no dataset yet: push a file with `retide push FILE --model {model}`")
    return found


def begin(stage: Stage, model: str, on: Rows, params: Mapping[str, Any], by: str) -> tuple[Experiment, Contract]:
    """A trial that is about to start, recorded as running."""
    code = deployed(stage, model, places(stage).code)
    dataset = bring(stage, code.contract, on.files) if on.files else _known(stage, model, on.dataset)
    contract = with_params(code.contract, params)
    name = fresh_name()
    champion = stage.ledger.head(model).champion
    trial = Experiment(
        name=name,
        model=model,
        dataset=dataset,
        params=dict(contract.params),
        code_digest=code.digest,
        contract_digest=code.contract.digest,
        by=by,
        started_at=_now(),
        job=job_name(stage.name, model, name),
        champion_version=champion.version if champion else 0,
        champion_job=champion.job if champion else "",
        metric=contract.metric.name,
        files=tuple(file.name for file in on.files),
    )
    keep(stage, trial)
    return trial, contract


def fresh_name() -> str:
    """Of what a person starts: by the second, and then by chance."""
    return f"{int(time.time()):x}{secrets.token_hex(2)}"


def carry_out(stage: Stage, trial: Experiment, contract: Contract, tell: Callable[[str], None]) -> Experiment:
    """Both jobs, one after the other; what a job says of its failure is the trial's reason. An interrupt stops it."""
    where, sagemaker = places(stage), stage.clients.sagemaker
    try:
        tell(f"training {trial.job}")
        sagemaker.create_training_job(**training_request(trial, contract, where))
        wait_for_training(sagemaker, trial.job)
        stage.objects.put(layout.experiment(trial.model, trial.name, "candidates.manifest"), candidates(trial, where))
        tell("evaluating it" + (f" beside version {trial.champion_version}" if trial.champion_job else ""))
        sagemaker.create_processing_job(**evaluation_request(trial, where))
        wait_for_processing(sagemaker, trial.job)
        ended = _measured(stage, trial)
    except JobFailed as failure:
        ended = replace(trial, state=FAILED, reason=str(failure), ended_at=_now())
    except KeyboardInterrupt:
        keep(stage, replace(trial, state=FAILED, reason="interrupted", ended_at=_now()))
        stop(sagemaker, trial.job)
        raise
    keep(stage, ended)
    return ended


def keep(stage: Stage, trial: Experiment) -> None:
    stage.objects.put(
        layout.experiment(trial.model, trial.name, "experiment.json"), json.dumps(serialise(trial), indent=1).encode()
    )


def known(stage: Stage, model: str) -> Iterator[Experiment]:
    """All trials of a model, newest first."""
    pages = stage.clients.s3.get_paginator("list_objects_v2").paginate(
        Bucket=stage.bucket, Prefix=f"{layout.experiments(model)}/"
    )
    keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
    found = [key for key in keys if key.endswith("/experiment.json")]
    trials = [parse(Experiment, json.loads(stage.objects.get(key))) for key in found]
    yield from sorted(trials, key=lambda trial: trial.started_at, reverse=True)


def _measured(stage: Stage, trial: Experiment) -> Experiment:
    key = layout.experiment(trial.model, trial.name, "evaluation/evaluation.json")
    found = read(Evaluation, stage.objects.get(key), key)
    champion = found.champion.metrics if found.champion else {}
    return replace(
        trial,
        state=COMPLETED,
        reason=found.champion_skipped or "",
        ended_at=_now(),
        holdout_rows=found.holdout_rows,
        metrics=found.challenger.metrics,
        champion=champion,
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
