"""A dev stage comes and goes as a whole: deployed at once without change sets, used, destroyed, and nothing is left."""

from __future__ import annotations

from collections.abc import Iterator

import boto3
import pytest

from retide.local.cloud import LocalCloud
from tests.loop.conftest import IMAGES
from tests.loop.story import rows
from tests.loop.story.project import Project
from tests.loop.story.stage import Stage

pytestmark = pytest.mark.nightly


@pytest.fixture(scope="module")
def taken_down(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """What is left of a stage that was deployed, has trained and served a model, and was destroyed."""
    cloud = LocalCloud(tmp_path_factory.mktemp("cloud"), IMAGES, bound=True)
    running = cloud.start()
    project = Project.copied_to(tmp_path_factory.mktemp("project"), running.environment())
    project.bootstrap(f"aws://{running.account}/{running.region}")
    project.deploy("--method", "direct")
    session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=running.region)
    stage = Stage(session, running.endpoint_url)
    stage.put("incoming/fragile/rows.csv", rows.fragile())
    assert stage.rollout("fragile", 1)["verdict"] == "promoted"
    project.cdk("destroy", "--all", "--force")
    yield stage
    cloud.stop()


def test_of_the_stacks_only_the_cdk_s_own_is_left(taken_down: Stage) -> None:
    stacks = taken_down.client("cloudformation").describe_stacks()["Stacks"]
    assert [stack["StackName"] for stack in stacks] == ["CDKToolkit"]


def test_no_data_no_table_and_no_queue_is_left(taken_down: Stage) -> None:
    buckets = [bucket["Name"] for bucket in taken_down.client("s3").list_buckets()["Buckets"]]
    assert [name for name in buckets if not name.startswith("cdk-")] == []
    assert taken_down.client("dynamodb").list_tables()["TableNames"] == []
    assert taken_down.client("sqs").list_queues().get("QueueUrls", []) == []


def test_nothing_is_left_that_could_run(taken_down: Stage) -> None:
    assert taken_down.client("lambda").list_functions()["Functions"] == []
    assert taken_down.client("stepfunctions").list_state_machines()["stateMachines"] == []
    assert taken_down.client("events").list_rules()["Rules"] == []


def test_no_endpoint_and_no_registered_model_is_left(taken_down: Stage) -> None:
    sagemaker = taken_down.client("sagemaker")
    assert sagemaker.list_endpoints()["Endpoints"] == []
    assert sagemaker.list_models()["Models"] == []
    assert sagemaker.list_model_package_groups()["ModelPackageGroupSummaryList"] == []
