"""A trial run: the very jobs of production, other parameters, outputs apart; nothing of it is registered."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from retide.cli.commands.train import read_param
from retide.cli.failures import CliError, UsageProblem
from retide.cli.jobs import JobFailed, done
from retide.cli.tracking import VARIABLE, run, tracker
from retide.domain.contract import parse
from retide.domain.experiment import Experiment, candidates, evaluation_request, training_request, with_params
from retide.domain.job_requests import Places, job_name
from tests.unit.steps.world import CONTRACT

ASL = json.loads((Path(__file__).parents[3] / "infra/workflows/retrain.asl.json").read_text(encoding="utf-8"))["States"]
APART = ("HyperParameters", "Environment")
WHERE = Places("dev", "data", "arn:role", "image:1", "s3://assets/code.zip", "s3://assets/libs.zip")
TRIAL = Experiment(
    "1a2b", "m", "d1", {"depth": 3}, "c" * 64, "k" * 64, "jane", "2026-01-01", "retide-dev-m-x-1a2b", 2, "champion-job"
)
CHANGED = with_params(parse({**CONTRACT, "params": {"depth": 2, "rate": 0.1}}, "m"), {"depth": 3})


def names(value: Any) -> Any:
    """The shape of a request: its names without those that say where a value comes from, and without its values."""
    if isinstance(value, dict):
        return {name.removesuffix(".$"): names(found) for name, found in value.items()}
    return [names(found) for found in value] if isinstance(value, list) else None


def shape(request: Any) -> Any:
    kept = {key: value for key, value in request.items() if key.removesuffix(".$") not in APART}
    kept["AlgorithmSpecification"] = kept["AppSpecification"] = None
    return names(kept)


def test_the_training_job_is_asked_for_as_production_asks_for_it() -> None:
    assert shape(training_request(TRIAL, CHANGED, WHERE)) == shape(ASL["Train"]["Parameters"])


def test_a_trial_differs_from_production_by_its_parameters_and_its_place_only() -> None:
    asked = training_request(TRIAL, CHANGED, WHERE)
    told = asked["HyperParameters"]
    assert json.loads(told["params"]) == {"depth": 3, "rate": 0.1}
    assert (told["dataset"], told["code_digest"], told["model"]) == ("d1", "c" * 64, "m")
    assert asked["OutputDataConfig"]["S3OutputPath"] == "s3://data/experiments/m"
    assert asked["AlgorithmSpecification"]["ContainerEntrypoint"] == ["python3", "/opt/ml/input/data/code/code.zip"]


def test_it_is_evaluated_beside_the_champion_on_the_same_dataset() -> None:
    asked = evaluation_request(TRIAL, WHERE)
    assert asked["Environment"]["RETIDE_CHALLENGER"] == TRIAL.job
    assert asked["Environment"]["RETIDE_CHAMPION"] == "champion-job"
    assert (
        asked["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"] == "s3://data/experiments/m/1a2b/evaluation"
    )
    inputs = {found["InputName"]: found["S3Input"]["S3Uri"] for found in asked["ProcessingInputs"]}
    production = {found["InputName"] for found in ASL["Evaluate"]["Parameters"]["ProcessingInputs"]}
    assert inputs.keys() == production
    assert json.loads(candidates(TRIAL, WHERE)) == [
        {"prefix": "s3://data/"},
        "experiments/m/retide-dev-m-x-1a2b/output/model.tar.gz",
        "models/m/champion-job/output/model.tar.gz",
    ]


def test_without_a_champion_the_trial_is_judged_alone() -> None:
    alone = replace(TRIAL, champion_job="")
    assert len(json.loads(candidates(alone, WHERE))) == 2


def test_names_of_trials_fit_and_are_none_of_production() -> None:
    longest = job_name("staging", "a" * 31, "6930f2c81a2b")
    assert len(longest) <= 63
    assert longest.endswith("-x-6930f2c81a2b")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("depth=3", 3),
        ("rate=0.5", 0.5),
        ("on=true", True),
        ("name=a=b", "a=b"),
        ("layers=[8, 4]", [8, 4]),
        ("x=", None),
    ],
)
def test_parameters_are_read_as_the_contract_reads_them(text: str, meant: object) -> None:
    assert read_param(text)[1] == meant


@pytest.mark.parametrize("text", ["depth", "=3", "depth=[1"])
def test_what_is_no_parameter_is_refused(text: str) -> None:
    with pytest.raises(UsageProblem):
        read_param(text)


def test_a_job_that_fails_says_why_in_its_own_words() -> None:
    assert not done("InProgress", None, "training")
    assert done("Completed", None, "training")
    with pytest.raises(JobFailed, match="the training job is Failed: no rows"):
        done("Failed", "no rows", "training")


def test_nothing_is_tracked_where_nobody_asked_and_what_is_missing_is_named_before_anything_is_trained(
    tmp_path: Path,
) -> None:
    assert tracker({}, tmp_path) is None
    with pytest.raises(CliError, match="`make mlflow` installs it"):
        tracker({VARIABLE: "sqlite:///runs.db"}, tmp_path)


def test_a_trial_is_told_with_the_champions_metrics_beside_its_own() -> None:
    ended = replace(TRIAL, metrics={"roc_auc": 0.9}, champion={"roc_auc": 0.8}, started_at="1970-01-01T00:00:02+00:00")
    told = run(replace(ended, ended_at="1970-01-01T00:00:03+00:00"))
    assert told["experiment"] == "retide/m"
    assert told["params"] == {"depth": "3"}
    assert told["metrics"] == {"roc_auc": 0.9, "champion.roc_auc": 0.8}
    assert (told["began"], told["ended"]) == (2000, 3000)
    assert told["tags"]["retide.dataset"] == "d1"
