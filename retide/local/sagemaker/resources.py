"""The CloudFormation type that MiniStack lacks: AWS::SageMaker::ModelPackageGroup."""

from __future__ import annotations

from typing import Final

from retide.local.api import Api
from retide.local.errors import ApiError
from retide.local.interfaces import Json, Resource, ResourceChange, ResourceType
from retide.local.sagemaker.errors import not_supported

GROUP: Final = "AWS::SageMaker::ModelPackageGroup"
PROPERTIES: Final = ("ModelPackageGroupName", "ModelPackageGroupDescription", "Tags")


class GroupResources:
    """Creates, changes and deletes groups for stacks; Ref gives the ARN."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def type(self) -> ResourceType:
        return ResourceType(create=self.create, update=self.update, delete=self.delete)

    def create(self, change: ResourceChange) -> Resource:
        self._api.call("CreateModelPackageGroup", _properties(change.properties))
        return self._resource(change.properties["ModelPackageGroupName"])

    def update(self, change: ResourceChange) -> Resource:
        """Only tags change in place; a group under another name replaces the old one."""
        old, new = _properties(change.old), _properties(change.properties)
        if old["ModelPackageGroupName"] != new["ModelPackageGroupName"]:
            made = self.create(change)
            self.delete(change)
            return made
        if old.get("ModelPackageGroupDescription") != new.get("ModelPackageGroupDescription"):
            raise ValueError(
                "CloudFormation cannot update a stack when a custom-named resource requires replacing. "
                f"Rename {new['ModelPackageGroupName']} and update the stack again."
            )
        self._retag(change.physical_id, old.get("Tags", []), new.get("Tags", []))
        return self._resource(new["ModelPackageGroupName"])

    def delete(self, change: ResourceChange) -> None:
        """A group that is gone already is deleted; one with versions in it is refused, as AWS does."""
        name = {"ModelPackageGroupName": change.physical_id}
        try:
            self._api.call("DescribeModelPackageGroup", name)
        except ApiError:
            return
        self._api.call("DeleteModelPackageGroup", name)

    def _retag(self, arn: str, old: list[Json], new: list[Json]) -> None:
        gone = {tag["Key"] for tag in old} - {tag["Key"] for tag in new}
        if gone:
            self._api.call("DeleteTags", {"ResourceArn": arn, "TagKeys": sorted(gone)})
        if new:
            self._api.call("AddTags", {"ResourceArn": arn, "Tags": new})

    def _resource(self, name: str) -> Resource:
        group = self._api.call("DescribeModelPackageGroup", {"ModelPackageGroupName": name})
        attributes = {
            "ModelPackageGroupArn": group["ModelPackageGroupArn"],
            "ModelPackageGroupStatus": group["ModelPackageGroupStatus"],
            "CreationTime": group["CreationTime"].isoformat(),
        }
        return Resource(group["ModelPackageGroupArn"], attributes)


def _properties(properties: Json) -> Json:
    unknown = sorted(set(properties) - set(PROPERTIES))
    if unknown:
        raise not_supported(f"{GROUP} with {unknown[0]}")
    return properties
