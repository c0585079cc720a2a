"""The CloudFormation types of connections, under the service's new and old name."""

from __future__ import annotations

from typing import Final

from retide.local.api import Api
from retide.local.codeconnections.connections import FOLDER
from retide.local.errors import ApiError, not_supported
from retide.local.interfaces import Json, Resource, ResourceChange, ResourceType

PROPERTIES: Final = ("ConnectionName", "ProviderType", "Tags")


class ConnectionResources:
    """Creates, changes and deletes connections for stacks; Ref gives the ARN."""

    def __init__(self, api: Api, kind: str) -> None:
        self._api = api
        self._kind = kind

    def type(self) -> ResourceType:
        return ResourceType(create=self.create, update=self.update, delete=self.delete)

    def create(self, change: ResourceChange) -> Resource:
        """It is PENDING until a person has completed it."""
        made = self._api.call("CreateConnection", self._checked(change.properties))
        return self._resource(made["ConnectionArn"])

    def update(self, change: ResourceChange) -> Resource:
        """Only tags change in place."""
        old, new = self._checked(change.old), self._checked(change.properties)
        for name in PROPERTIES[:2]:
            if old.get(name) != new.get(name):
                self.delete(change)
                return self.create(change)
        arn = change.physical_id
        gone = {tag["Key"] for tag in old.get("Tags", ())} - {tag["Key"] for tag in new.get("Tags", ())}
        self._api.call("UntagResource", {"ResourceArn": arn, "TagKeys": sorted(gone)})
        self._api.call("TagResource", {"ResourceArn": arn, "Tags": new.get("Tags", [])})
        return self._resource(arn)

    def delete(self, change: ResourceChange) -> None:
        """One that is gone already is deleted."""
        try:
            self._api.call("DeleteConnection", {"ConnectionArn": change.physical_id})
        except ApiError as error:
            if error.code != "ResourceNotFoundException":
                raise

    def _checked(self, properties: Json) -> Json:
        unknown = sorted(set(properties) - set(PROPERTIES))
        if unknown:
            raise not_supported(f"{self._kind} with {unknown[0]}", FOLDER)
        return properties

    def _resource(self, arn: str) -> Resource:
        one = self._api.call("GetConnection", {"ConnectionArn": arn})["Connection"]
        attributes = {name: one[name] for name in ("ConnectionArn", "ConnectionStatus", "OwnerAccountId")}
        return Resource(arn, attributes)
