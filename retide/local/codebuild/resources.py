"""The CloudFormation type AWS::CodeBuild::Project, in place of MiniStack's, whose builds only seem to run."""

from __future__ import annotations

import secrets
from typing import Any, Final

from botocore.model import ListShape, Shape, StructureShape

from retide.local.api import Api
from retide.local.codebuild.errors import FOLDER, not_supported
from retide.local.codebuild.projects import Projects
from retide.local.codebuild.support import REFUSED
from retide.local.interfaces import Json, Resource, ResourceChange, ResourceType
from retide.local.members import refuse_unsupported
from retide.local.shapes import check_request, operation

PROJECT: Final = "AWS::CodeBuild::Project"
BOOLEANS: Final = {"true": True, "True": True, "false": False, "False": False}


class ProjectResources:
    """Creates, changes and deletes projects for stacks; Ref gives the name."""

    def __init__(self, api: Api, projects: Projects) -> None:
        self._api = api
        self._projects = projects

    def type(self) -> ResourceType:
        return ResourceType(create=self.create, update=self.update, delete=self.delete)

    def create(self, change: ResourceChange) -> Resource:
        name = change.properties.get("Name") or f"{change.logical_id}-{secrets.token_hex(6)}"
        made = self._api.call("CreateProject", _request(change.properties, name))
        return _resource(made["project"])

    def update(self, change: ResourceChange) -> Resource:
        """In place; a project under another name replaces the old one."""
        if change.properties.get("Name") != change.old.get("Name"):
            made = self.create(change)
            self.delete(change)
            return made
        request = _request(change.properties, change.physical_id)
        check_request("codebuild", "UpdateProject", request)
        refuse_unsupported(REFUSED, "UpdateProject", request, FOLDER)
        return _resource(self._projects.replace(request)["project"])

    def delete(self, change: ResourceChange) -> None:
        self._api.call("DeleteProject", {"name": change.physical_id})


def _resource(project: Json) -> Resource:
    return Resource(project["name"], {"Arn": project["arn"]})


def _request(properties: Json, name: str) -> Json:
    """The properties as the API spells them. Raises NotSupportedByLocalCloud for one that the API has not."""
    given = dict(properties)
    if given.pop("Visibility", "PRIVATE") != "PRIVATE":
        raise not_supported(f"{PROJECT} with Visibility PUBLIC_READ")
    if str(given.get("Triggers", {}).get("Webhook", False)).lower() == "false":
        given.pop("Triggers", None)
    model = operation("codebuild", "CreateProject")
    if model is None or model.input_shape is None:
        raise RuntimeError("botocore's model has no CreateProject")
    return {**_as_api(model.input_shape, given, ""), "name": name}


def _as_api(shape: Shape, value: Any, path: str) -> Any:
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        return {
            _member(shape, key, path): _as_api(shape.members[_member(shape, key, path)], item, f"{path}.{key}")
            for key, item in value.items()
        }
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [_as_api(shape.member, item, f"{path}[]") for item in value]
    return _scalar(shape, value)


def _scalar(shape: Shape, value: Any) -> Any:
    """Templates may write numbers and booleans as texts."""
    if shape.type_name == "boolean" and isinstance(value, str):
        return BOOLEANS.get(value, value)
    if shape.type_name in ("integer", "long") and isinstance(value, str) and value.isdecimal():
        return int(value)
    return value


def _member(shape: StructureShape, key: str, path: str) -> str:
    """BuildSpec is buildspec, S3Logs is s3Logs."""
    found = {name.lower(): name for name in shape.members}.get(key.lower())
    if found is None:
        raise not_supported(f"{PROJECT} with {f'{path}.{key}'.lstrip('.')}")
    return found
