"""A contract asks for a tuning job: the deployed machine runs it, and the run's one training job trains what won."""

from __future__ import annotations

import pytest

from tests.loop.story import rows
from tests.loop.story.stage import Stage


@pytest.mark.nightly
def test_a_tuning_job_finds_the_parameters_that_the_runs_one_job_trains(stage: Stage) -> None:
    sent = stage.put("incoming/grove/first.csv", rows.orchard())

    run = stage.run("grove", str(stage.outcome("grove", sent)["run"]))
    assert run["outcome"] == "approved", run["reasons"]
    folder = f"runs/grove/{run['run']}"
    search = stage.client("sagemaker").describe_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=stage.read(f"{folder}/plan.json")["tuning"]
    )
    assert search["TrainingJobStatusCounters"]["Completed"] == 2
    best = search["BestTrainingJob"]["TunedHyperParameters"]
    challenger = stage.read(f"{folder}/evaluation/evaluation.json")["challenger"]
    assert challenger["params"] == {"estimator": "linear", "linear__C": float(best["params.linear__C"])}
    assert stage.jobs("grove") == [challenger["job"]]
    assert stage.rollout("grove", 1)["verdict"] == "promoted"
