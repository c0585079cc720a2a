"""The model registry in process: groups, versions, approval, limits and events."""

from __future__ import annotations

from typing import Any

import pytest

from retide.local.clock import Clock
from retide.local.errors import ApiError
from retide.local.interfaces import Json
from retide.local.sagemaker import SageMaker
from tests.contract.bus import Bus
from tests.contract.local_sagemaker.bench import IMAGE

GROUP = "arn:aws:sagemaker:us-east-1:000000000000:model-package-group/churn"
FIRST = "arn:aws:sagemaker:us-east-1:000000000000:model-package/churn/1"


@pytest.fixture
def group(sagemaker: SageMaker) -> str:
    arn: str = sagemaker.api.call("CreateModelPackageGroup", {"ModelPackageGroupName": "churn"})["ModelPackageGroupArn"]
    return arn


def register(sagemaker: SageMaker, **members: Any) -> str:
    container = {"Image": IMAGE, "ModelDataUrl": "s3://models/1.tar.gz"}
    request = {
        "ModelPackageGroupName": "churn",
        "InferenceSpecification": {
            "Containers": [container],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["application/json"],
        },
    }
    arn: str = sagemaker.api.call("CreateModelPackage", request | members)["ModelPackageArn"]
    return arn


def described(sagemaker: SageMaker, arn: str = FIRST) -> Json:
    return sagemaker.api.call("DescribeModelPackage", {"ModelPackageName": arn})


def updated(sagemaker: SageMaker, **members: Any) -> Json:
    sagemaker.api.call("UpdateModelPackage", {"ModelPackageArn": FIRST} | members)
    return described(sagemaker)


def test_versions_of_a_group_are_counted_from_one(sagemaker: SageMaker, group: str) -> None:
    assert group == GROUP
    assert register(sagemaker) == FIRST
    assert register(sagemaker, ModelPackageGroupName=GROUP).endswith("/churn/2")

    package = described(sagemaker)
    assert (package["ModelPackageVersion"], package["ModelPackageStatus"]) == (1, "Completed")
    assert package["ModelApprovalStatus"] == "PendingManualApproval"


def test_the_number_of_a_deleted_version_is_not_given_again(sagemaker: SageMaker, group: str) -> None:
    sagemaker.api.call("DeleteModelPackage", {"ModelPackageName": register(sagemaker)})

    assert register(sagemaker).endswith("/2")
    with pytest.raises(ApiError, match="does not exist"):
        described(sagemaker)


def test_a_client_token_registers_once(sagemaker: SageMaker, group: str, bus: Bus) -> None:
    first = register(sagemaker, ClientToken="run-1")

    assert register(sagemaker, ClientToken="run-1") == first
    assert register(sagemaker, ClientToken="run-2") != first
    with pytest.raises(ApiError, match=r"ConflictException.*run-1 was used with another request"):
        register(sagemaker, ClientToken="run-1", ModelPackageDescription="other")
    assert len(bus.events) == 2


def test_everything_that_is_registered_is_described(sagemaker: SageMaker, group: str) -> None:
    source = {"ContentType": "application/json", "S3Uri": "s3://reports/1.json", "ContentDigest": "sha256:" + "0" * 64}
    members: Json = {
        "ModelPackageDescription": "A model.",
        "ModelMetrics": {"ModelQuality": {"Statistics": source}},
        "DriftCheckBaselines": {"ModelDataQuality": {"Statistics": source}},
        "CustomerMetadataProperties": {"dataset": "abc/def:1=2+3-4@5 .6_7"},
        "SourceUri": "s3://source",
        "ModelCard": {"ModelCardContent": "{}", "ModelCardStatus": "Draft"},
        "ModelLifeCycle": {"Stage": "Development", "StageStatus": "PendingApproval"},
        "SkipModelValidation": "All",
    }
    register(sagemaker, **members)

    assert members.items() <= described(sagemaker).items()


def test_an_update_keeps_what_it_does_not_name(sagemaker: SageMaker, group: str) -> None:
    register(sagemaker, CustomerMetadataProperties={"a": "1", "b": "2"}, SourceUri="s3://source")

    package = updated(
        sagemaker,
        ModelApprovalStatus="Approved",
        ApprovalDescription="better on all segments",
        CustomerMetadataProperties={"b": "3"},
        CustomerMetadataPropertiesToRemove=["a"],
    )

    assert package["ModelApprovalStatus"] == "Approved"
    assert package["ApprovalDescription"] == "better on all segments"
    assert package["CustomerMetadataProperties"] == {"b": "3"}
    assert package["SourceUri"] == "s3://source"
    assert package["LastModifiedTime"] >= package["CreationTime"]


def test_a_model_cards_status_changes_without_its_content(sagemaker: SageMaker, group: str) -> None:
    register(sagemaker, ModelCard={"ModelCardContent": "{}", "ModelCardStatus": "Draft"})

    package = updated(sagemaker, ModelCard={"ModelCardStatus": "Approved"})

    assert package["ModelCard"] == {"ModelCardContent": "{}", "ModelCardStatus": "Approved"}


def test_versions_of_the_same_moment_are_listed_in_their_order(sagemaker: SageMaker, group: str, clock: Clock) -> None:
    clock.hold()
    for _ in range(3):
        register(sagemaker)

    newest = sagemaker.api.call("ListModelPackages", {"ModelPackageGroupName": "churn", "SortOrder": "Descending"})

    assert [package["ModelPackageVersion"] for package in newest["ModelPackageSummaryList"]] == [3, 2, 1]


def test_every_change_of_a_package_is_an_event(sagemaker: SageMaker, group: str, bus: Bus) -> None:
    register(sagemaker)
    updated(sagemaker, ModelApprovalStatus="Approved")
    updated(sagemaker, CustomerMetadataProperties={"deployed": "yes"})

    created, approved, stamped = bus.events
    assert {event.detail_type for event in bus.events} == {"SageMaker Model Package State Change"}
    assert {(event.source, event.resources) for event in bus.events} == {("aws.sagemaker", (FIRST,))}
    assert "UpdatedModelPackageFields" not in created.detail
    assert created.detail["ModelApprovalStatus"] == "PendingManualApproval"
    assert approved.detail["UpdatedModelPackageFields"] == ["ModelApprovalStatus"]
    assert stamped.detail["UpdatedModelPackageFields"] == ["CustomerMetadataProperties"]
    assert stamped.detail["ModelApprovalStatus"] == "Approved"
    assert stamped.detail["CreationTime"].endswith("Z")
    assert (stamped.detail["ModelPackageGroupName"], stamped.detail["ModelPackageVersion"]) == ("churn", 1)


@pytest.mark.parametrize(
    ("metadata", "complaint"),
    [
        ({f"k{number}": "v" for number in range(51)}, "length less than or equal to 50"),
        ({"key": "v" * 257}, "length less than or equal to 256"),
        ({"key": '{"json": 1}'}, "regular expression pattern"),
        ({"key": "a,b"}, "regular expression pattern"),
    ],
)
def test_metadata_keeps_to_its_limits(
    sagemaker: SageMaker, group: str, metadata: dict[str, str], complaint: str
) -> None:
    with pytest.raises(ApiError, match=f"ValidationException.*{complaint}"):
        register(sagemaker, CustomerMetadataProperties=metadata)


def test_metadata_keeps_to_its_limits_over_several_updates(sagemaker: SageMaker, group: str) -> None:
    register(sagemaker, CustomerMetadataProperties={f"k{number}": "v" for number in range(50)})

    with pytest.raises(ApiError, match="would have 51 entries"):
        updated(sagemaker, CustomerMetadataProperties={"one": "more"})
    assert len(described(sagemaker)["CustomerMetadataProperties"]) == 50


def test_letters_of_any_language_are_letters(sagemaker: SageMaker, group: str) -> None:
    register(sagemaker, CustomerMetadataProperties={"autor": "Jürgen Ωμέγα 日本"})

    assert described(sagemaker)["CustomerMetadataProperties"] == {"autor": "Jürgen Ωμέγα 日本"}


def test_versions_are_listed_by_status_newest_first(sagemaker: SageMaker, group: str) -> None:
    for _ in range(3):
        register(sagemaker)
    updated(sagemaker, ModelApprovalStatus="Approved")

    def versions(**members: Any) -> list[int]:
        request = {"ModelPackageGroupName": "churn", "SortBy": "CreationTime", "SortOrder": "Descending"} | members
        found = sagemaker.api.call("ListModelPackages", request)["ModelPackageSummaryList"]
        return [package["ModelPackageVersion"] for package in found]

    assert versions() == [3, 2, 1]
    assert versions(ModelApprovalStatus="Approved") == [1]
    assert versions(ModelApprovalStatus="PendingManualApproval") == [3, 2]


def test_pages_of_versions_hold_each_version_once(sagemaker: SageMaker, group: str) -> None:
    arns = [register(sagemaker) for _ in range(5)]
    request: Json = {"ModelPackageGroupName": "churn", "MaxResults": 2}
    found: list[str] = []
    for _ in range(3):
        page = sagemaker.api.call("ListModelPackages", request)
        found += [package["ModelPackageArn"] for package in page["ModelPackageSummaryList"]]
        request["NextToken"] = page.get("NextToken")

    assert found == arns
    assert request["NextToken"] is None


def test_without_a_group_only_unversioned_packages_are_listed(sagemaker: SageMaker, group: str) -> None:
    register(sagemaker)

    assert sagemaker.api.call("ListModelPackages", {})["ModelPackageSummaryList"] == []
    versioned = sagemaker.api.call("ListModelPackages", {"ModelPackageType": "Versioned"})
    assert len(versioned["ModelPackageSummaryList"]) == 1


def test_a_group_with_versions_is_not_deleted(sagemaker: SageMaker, group: str) -> None:
    arn = register(sagemaker)
    with pytest.raises(ApiError, match=r"ConflictException.*contains 1 versions"):
        sagemaker.api.call("DeleteModelPackageGroup", {"ModelPackageGroupName": "churn"})

    sagemaker.api.call("DeleteModelPackage", {"ModelPackageName": arn})
    sagemaker.api.call("DeleteModelPackageGroup", {"ModelPackageGroupName": "churn"})

    assert sagemaker.api.call("ListModelPackageGroups", {})["ModelPackageGroupSummaryList"] == []


def test_a_group_is_created_once(sagemaker: SageMaker, group: str) -> None:
    with pytest.raises(ApiError, match=f"ValidationException.*already exists: {GROUP}"):
        sagemaker.api.call("CreateModelPackageGroup", {"ModelPackageGroupName": "churn"})


def test_a_package_of_a_group_that_is_not_there_is_refused(sagemaker: SageMaker) -> None:
    with pytest.raises(ApiError, match=r"ModelPackageGroup .*/churn does not exist"):
        register(sagemaker)


def test_an_approval_is_one_of_three_words(sagemaker: SageMaker, group: str) -> None:
    register(sagemaker)

    with pytest.raises(ApiError, match=r"enum value set: \[Approved, Rejected, PendingManualApproval\]"):
        updated(sagemaker, ModelApprovalStatus="approved")


def test_only_an_approved_package_becomes_a_model(sagemaker: SageMaker, group: str) -> None:
    register(sagemaker)
    with pytest.raises(ApiError, match="is PendingManualApproval, not Approved"):
        sagemaker.packages.approved_container(FIRST)

    updated(sagemaker, ModelApprovalStatus="Approved")

    assert sagemaker.packages.approved_container(FIRST)["ModelDataUrl"] == "s3://models/1.tar.gz"


def test_a_source_is_named_later_and_nothing_else_changes(sagemaker: SageMaker, group: str) -> None:
    register(sagemaker, ModelApprovalStatus="Approved")
    found = updated(sagemaker, SourceUri="s3://data/runs/record.json")
    assert (found["SourceUri"], found["ModelApprovalStatus"]) == ("s3://data/runs/record.json", "Approved")
