"""AWS::SageMaker::ModelPackageGroup as stacks use it."""

from __future__ import annotations

import json

import pytest

from retide.local.errors import ApiError
from retide.local.interfaces import Json, ResourceChange
from retide.local.sagemaker import SageMaker
from retide.local.sagemaker.resources import GroupResources
from tests.contract.local_sagemaker.bench import Bench
from tests.patience import eventually

ARN = "arn:aws:sagemaker:us-east-1:000000000000:model-package-group/churn"


def change(properties: Json, old: Json | None = None) -> ResourceChange:
    return ResourceChange("Group", "stack", properties, ARN if old else "", old or {})


@pytest.fixture
def resources(sagemaker: SageMaker) -> GroupResources:
    return GroupResources(sagemaker.api)


def test_ref_of_a_group_is_its_arn(resources: GroupResources) -> None:
    made = resources.create(change({"ModelPackageGroupName": "churn"}))

    assert made.physical_id == made.attributes["ModelPackageGroupArn"] == ARN


def test_tags_of_a_group_change_in_place(resources: GroupResources, sagemaker: SageMaker) -> None:
    name = {"ModelPackageGroupName": "churn"}
    old = name | {"Tags": [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "1"}]}
    resources.create(change(old))

    made = resources.update(change(name | {"Tags": [{"Key": "b", "Value": "2"}]}, old))

    assert made.physical_id == ARN
    assert sagemaker.api.call("ListTags", {"ResourceArn": ARN})["Tags"] == [{"Key": "b", "Value": "2"}]


def test_another_name_is_another_group(resources: GroupResources, sagemaker: SageMaker) -> None:
    resources.create(change({"ModelPackageGroupName": "churn"}))

    made = resources.update(change({"ModelPackageGroupName": "adult"}, {"ModelPackageGroupName": "churn"}))

    assert made.physical_id.endswith("/adult")
    names = sagemaker.api.call("ListModelPackageGroups", {})["ModelPackageGroupSummaryList"]
    assert [group["ModelPackageGroupName"] for group in names] == ["adult"]


def test_another_description_would_replace_the_group_and_is_refused(resources: GroupResources) -> None:
    name = {"ModelPackageGroupName": "churn"}
    resources.create(change(name))

    with pytest.raises(ValueError, match="custom-named resource requires replacing"):
        resources.update(change(name | {"ModelPackageGroupDescription": "new"}, name))


def test_deleting_a_group_that_is_gone_is_no_error(resources: GroupResources, sagemaker: SageMaker) -> None:
    resources.create(change({"ModelPackageGroupName": "churn"}))
    resources.create(change({"ModelPackageGroupName": "adult"}))
    gone = ResourceChange("Group", "stack", {}, ARN)

    resources.delete(gone)
    resources.delete(gone)

    groups = sagemaker.api.call("ListModelPackageGroups", {})["ModelPackageGroupSummaryList"]
    assert [group["ModelPackageGroupName"] for group in groups] == ["adult"]


def test_a_property_that_is_not_supported_is_refused_by_name(resources: GroupResources) -> None:
    with pytest.raises(ApiError, match="ModelPackageGroup with ModelPackageGroupPolicy"):
        resources.create(change({"ModelPackageGroupName": "churn", "ModelPackageGroupPolicy": {}}))


def test_a_stack_creates_and_deletes_a_group(bench: Bench) -> None:
    template = {
        "Resources": {
            "Group": {
                "Type": "AWS::SageMaker::ModelPackageGroup",
                "Properties": {"ModelPackageGroupName": "by-stack"},
            }
        },
        "Outputs": {"Arn": {"Value": {"Ref": "Group"}}},
    }
    stacks = bench.cloudformation
    stacks.create_stack(StackName="groups", TemplateBody=json.dumps(template))

    def created() -> Json | None:
        stack: Json = stacks.describe_stacks(StackName="groups")["Stacks"][0]
        return stack if stack["StackStatus"] != "CREATE_IN_PROGRESS" else None

    stack = eventually(created, "the stack is created")
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert stack["Outputs"][0]["OutputValue"].endswith("model-package-group/by-stack")

    stacks.delete_stack(StackName="groups")
    eventually(lambda: "by-stack" not in groups(bench), "the group goes with its stack")


def groups(bench: Bench) -> set[str]:
    found = bench.sagemaker.list_model_package_groups(MaxResults=100)["ModelPackageGroupSummaryList"]
    return {group["ModelPackageGroupName"] for group in found}
