"""A contract asks for two instances: they train one model together, and it is judged, certified and served like any."""

from __future__ import annotations

from pathlib import Path

import pytest

from retide.aws.objects import S3Objects
from retide.cli.checkouts import lay
from retide.cli.rebuilding import Workshop, compare
from retide.domain.certificate import Certificate
from retide.domain.codec import parse
from retide.domain.package import Facts
from tests.loop.conftest import BOOSTING_IMAGE, BOOSTING_PYTHON, JOBS_PYTHON
from tests.loop.story import rows
from tests.loop.story.project import Project
from tests.loop.story.stage import Item, Stage

MISSING = "what stands in for XGBoost's image is not installed: `make test-xgboost` installs it"
MODEL = "together"
TREES = (
    {"weight": 180.0, "colour": "red", "ripe": True},
    {"weight": None, "colour": "green", "ripe": True},
    {"weight": 40.0, "colour": "mauve", "ripe": False},
)


@pytest.mark.nightly
@pytest.mark.skipif(not BOOSTING_PYTHON.exists(), reason=MISSING)
def test_two_instances_train_a_model_that_is_served_and_can_be_rebuilt(
    stage: Stage, project: Project, tmp_path: Path
) -> None:
    sent = stage.put(f"incoming/{MODEL}/first.csv", rows.orchard(rows=400))

    run = stage.run(MODEL, str(stage.outcome(MODEL, sent)["run"]))
    assert run["outcome"] == "approved", run["reasons"]
    assert stage.rollout(MODEL, 1)["verdict"] == "promoted"

    plan = stage.read(f"runs/{MODEL}/{run['run']}/plan.json")
    assert_both_learned(stage, plan)
    said = stage.invoke(MODEL, {"records": TREES})["predictions"]
    assert [answer["label"] for answer in said] == ["apple", "pear", "plum"]
    certificate, objects = certificate_of(stage), S3Objects(stage.client("s3"), stage.bucket)
    assert certificate.boosting is not None
    assert (certificate.boosting.job, certificate.boosting.image) == (plan["boosting"], BOOSTING_IMAGE)
    bundle = lay(project.root, "what is deployed")
    workshop = Workshop(tmp_path, JOBS_PYTHON, objects, BOOSTING_PYTHON)
    assert compare(workshop, certificate, workshop.train(certificate, bundle), bundle).differing == ()


def assert_both_learned(stage: Stage, plan: Item) -> None:
    job = stage.client("sagemaker").describe_training_job(TrainingJobName=plan["boosting"])
    assert (job["ResourceConfig"]["InstanceCount"], job["TrainingJobStatus"]) == (2, "Completed")
    assert job["AlgorithmSpecification"]["TrainingImage"].endswith(f"/{BOOSTING_IMAGE}")
    events = stage.client("logs").filter_log_events(
        logGroupName="/aws/sagemaker/TrainingJobs", logStreamNamePrefix=plan["boosting"]
    )["events"]
    assert sum("in 1 of 2 shards" in event["message"] for event in events) == 2


def certificate_of(stage: Stage) -> Certificate:
    package = stage.client("sagemaker").describe_model_package(ModelPackageName=stage.packages(MODEL)[0])
    address = Facts.from_properties(package["CustomerMetadataProperties"]).certificate
    return parse(Certificate, stage.read(address.removeprefix(f"s3://{stage.bucket}/")))
