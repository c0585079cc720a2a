"""The model registry, in memory and on SageMaker."""

from __future__ import annotations

import boto3
import pytest
from botocore.stub import Stubber

from retide.aws.clients import Clients
from retide.aws.registry import SageMakerRegistry
from retide.domain.package import SERVING_ENVIRONMENT, Facts
from retide.ports import Document, NewPackage, Registry, Status
from tests.fakes import FakeRegistry

FACTS = Facts(
    "m-1-1", "job-1", "d" * 32, "c" * 64, "k" * 64, "a" * 64, 0, "accepted", "roc_auc", "0.98", "s3://b/r", "e"
)


@pytest.fixture(params=["memory", "sagemaker"])
def registry(request: pytest.FixtureRequest) -> Registry:
    if request.param == "memory":
        return FakeRegistry()
    clients: Clients = request.getfixturevalue("clients")
    for group in ("retide-dev-m", "retide-dev-other"):
        clients.sagemaker.create_model_package_group(ModelPackageGroupName=group)
    return SageMakerRegistry(clients.sagemaker)


def package(name: str = "t1", group: str = "retide-dev-m") -> NewPackage:
    return NewPackage(
        group=group,
        token=name,
        description="Run m-1-1\nwith a newline",
        image="123456789012.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.9-0-cpu-py3",
        model_data_url="s3://b/models/m/job-1/output/model.tar.gz",
        environment=SERVING_ENVIRONMENT,
        facts=FACTS.to_properties(),
        evaluation=Document("s3://b/runs/m/m-1-1/evaluation/evaluation.json", "0" * 64),
        source="s3://b/runs/m/m-1-1/record.json",
        card='{"evaluation_details":[]}',
        commit="abc",
        profile=Document("s3://b/datasets/m/d/profile.json", "1" * 64),
    )


def test_a_package_begins_pending_and_tells_its_lineage(registry: Registry) -> None:
    found = registry.describe(registry.create(package()))
    assert (found.version, found.status, found.group) == (1, Status.PENDING, "retide-dev-m")
    assert found.environment == SERVING_ENVIRONMENT
    assert Facts.from_properties(found.facts) == FACTS


def test_an_approval_is_a_second_call(registry: Registry) -> None:
    arn = registry.create(package())
    registry.judge(arn, Status.APPROVED, "the gate accepted it")
    assert registry.describe(arn).status is Status.APPROVED
    registry.judge(arn, Status.REJECTED, "x" * 5000)
    assert registry.describe(arn).status is Status.REJECTED


def test_versions_come_newest_first_and_of_one_group_only(registry: Registry) -> None:
    arns = [registry.create(package(f"t{n}")) for n in range(3)]
    registry.create(package("other", group="retide-dev-other"))
    registry.judge(arns[1], Status.APPROVED, "yes")
    assert list(registry.versions("retide-dev-m")) == [
        (3, arns[2], Status.PENDING),
        (2, arns[1], Status.APPROVED),
        (1, arns[0], Status.PENDING),
    ]


def test_a_package_is_pointed_at_its_record_by_a_call_of_its_own() -> None:
    """Held against the API's own shapes: moto forgets the approval of a package that is updated otherwise."""
    client = boto3.client("sagemaker", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    arn = "arn:aws:sagemaker:us-east-1:000000000000:model-package/retide-dev-m/1"
    with Stubber(client) as stubbed:
        stubbed.add_response(
            "update_model_package",
            {"ModelPackageArn": arn},
            {"ModelPackageArn": arn, "SourceUri": "s3://b/runs/m/m-1-1/record.json"},
        )
        SageMakerRegistry(client).point(arn, "s3://b/runs/m/m-1-1/record.json")
        stubbed.assert_no_pending_responses()
