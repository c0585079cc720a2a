"""A contract asks for two instances: they train one model together, and it is judged, certified and served like any."""

from __future__ import annotations

import pytest

from tests.loop.conftest import BOOSTING_IMAGE, BOOSTING_PYTHON
from tests.loop.story import rows
from tests.loop.story.stage import Stage

MISSING = "what stands in for XGBoost's image is not installed: `make test-xgboost` installs it"
MODEL = "together"


@pytest.mark.nightly
@pytest.mark.skipif(not BOOSTING_PYTHON.exists(), reason=MISSING)
def test_two_instances_train_a_model_that_is_served(stage: Stage) -> None:
    sent = stage.put(f"incoming/{MODEL}/first.csv", rows.orchard(rows=400))

    run = stage.run(MODEL, str(stage.outcome(MODEL, sent)["run"]))

    assert run["outcome"] == "approved", run["reasons"]
    folder = f"runs/{MODEL}/{run['run']}"
    plan = stage.read(f"{folder}/plan.json")
    job = stage.client("sagemaker").describe_training_job(TrainingJobName=plan["boosting"])
    assert (job["ResourceConfig"]["InstanceCount"], job["TrainingJobStatus"]) == (2, "Completed")
    assert job["AlgorithmSpecification"]["TrainingImage"].endswith(f"/{BOOSTING_IMAGE}")
    events = stage.client("logs").filter_log_events(
        logGroupName="/aws/sagemaker/TrainingJobs", logStreamNamePrefix=plan["boosting"]
    )["events"]
    assert sum("in 1 of 2 shards" in event["message"] for event in events) == 2
    challenger = stage.read(f"{folder}/evaluation/evaluation.json")["challenger"]
    assert (challenger["job"], challenger["boosting"]["instances"]) == (plan["job"], 2)
    certificate = stage.read(
        str(
            stage.client("sagemaker").describe_model_package(ModelPackageName=stage.packages(MODEL)[0])[
                "CustomerMetadataProperties"
            ]["certificate"]
        ).removeprefix(f"s3://{stage.bucket}/")
    )
    assert certificate["boosting"] == {"job": plan["boosting"], "image": BOOSTING_IMAGE, "made": challenger["boosting"]}
    assert stage.rollout(MODEL, 1)["verdict"] == "promoted"
    trees = [
        {"weight": 180.0, "colour": "red", "ripe": True},
        {"weight": None, "colour": "green", "ripe": True},
        {"weight": 40.0, "colour": "mauve", "ripe": False},
    ]
    said = stage.invoke(MODEL, {"records": trees})["predictions"]
    assert [answer["label"] for answer in said] == ["apple", "pear", "plum"]
