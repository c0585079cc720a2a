"""The CloudFormation type AWS::CodePipeline::Pipeline."""

from __future__ import annotations

import hashlib
from typing import Any, Final

from retide.local.api import Api
from retide.local.codepipeline.errors import not_supported
from retide.local.errors import ApiError
from retide.local.interfaces import Json, Resource, ResourceChange, ResourceType

PIPELINE: Final = "AWS::CodePipeline::Pipeline"
DECLARED: Final = (
    "Name",
    "RoleArn",
    "ArtifactStore",
    "ArtifactStores",
    "Stages",
    "ExecutionMode",
    "PipelineType",
    "Variables",
    "Triggers",
)
BESIDE: Final = ("RestartExecutionOnUpdate", "DisableInboundStageTransitions", "Tags")
NUMBERS: Final = frozenset({"runOrder", "timeoutInMinutes"})
NAME_CHARACTERS: Final = 100


class PipelineResources:
    """Creates, changes and deletes pipelines for stacks; Ref gives the name."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def type(self) -> ResourceType:
        return ResourceType(create=self.create, update=self.update, delete=self.delete)

    def create(self, change: ResourceChange) -> Resource:
        pipeline = _declared(change)
        self._api.call("CreatePipeline", {"pipeline": pipeline, "tags": _tags(change.properties)})
        self._close(pipeline["name"], change.properties)
        return self._resource(pipeline["name"])

    def update(self, change: ResourceChange) -> Resource:
        """In place, but for the name; executions under way are cancelled when the definition differs."""
        old, new = _declared(change, change.old), _declared(change)
        if old["name"] != new["name"]:
            made = self.create(change)
            self.delete(change)
            return made
        if old != new:
            self._api.call("UpdatePipeline", {"pipeline": new})
        self._open(new["name"], change.old)
        self._close(new["name"], change.properties)
        self._retag(new["name"], change)
        if old != new and str(change.properties.get("RestartExecutionOnUpdate", "false")).lower() == "true":
            self._api.call("StartPipelineExecution", {"name": new["name"]})
        return self._resource(new["name"])

    def delete(self, change: ResourceChange) -> None:
        self._api.call("DeletePipeline", {"name": change.physical_id})

    def _open(self, name: str, properties: Json) -> None:
        for one in properties.get("DisableInboundStageTransitions") or ():
            place = {"pipelineName": name, "stageName": one["StageName"], "transitionType": "Inbound"}
            try:
                self._api.call("EnableStageTransition", place)
            except ApiError as error:
                if error.code != "StageNotFoundException":  # the stage is gone, and its transition with it
                    raise

    def _close(self, name: str, properties: Json) -> None:
        for one in properties.get("DisableInboundStageTransitions") or ():
            place = {"pipelineName": name, "stageName": one["StageName"], "transitionType": "Inbound"}
            self._api.call("DisableStageTransition", place | {"reason": one["Reason"]})

    def _retag(self, name: str, change: ResourceChange) -> None:
        arn = self._api.call("GetPipeline", {"name": name})["metadata"]["pipelineArn"]
        old, new = _tags(change.old), _tags(change.properties)
        gone = {tag["key"] for tag in old} - {tag["key"] for tag in new}
        self._api.call("UntagResource", {"resourceArn": arn, "tagKeys": sorted(gone)})
        self._api.call("TagResource", {"resourceArn": arn, "tags": new})

    def _resource(self, name: str) -> Resource:
        version = self._api.call("GetPipeline", {"name": name})["pipeline"]["version"]
        return Resource(name, {"Version": str(version)})


def _declared(change: ResourceChange, properties: Json | None = None) -> Json:
    """The pipeline as the API takes it."""
    given = change.properties if properties is None else properties
    unknown = sorted(set(given) - {*DECLARED, *BESIDE})
    if unknown:
        raise not_supported(f"{PIPELINE} with {unknown[0]}")
    declared: Json = _lowered({name: given[name] for name in DECLARED if name in given})
    return {"name": _generated_name(change), **declared}


def _generated_name(change: ResourceChange) -> str:
    """One that stays the same for a resource of a stack."""
    if change.physical_id:
        return change.physical_id
    unique = hashlib.sha256(f"{change.stack}/{change.logical_id}".encode()).hexdigest()[:12].upper()
    return f"{change.stack}-{change.logical_id}"[: NAME_CHARACTERS - 13] + f"-{unique}"


def _lowered(value: Any, name: str = "") -> Any:
    """Templates begin their names with a capital; the keys of a configuration stay as they are."""
    if name == "configuration":
        return {key: _text(item) for key, item in value.items()}
    if isinstance(value, dict):
        return {_first_lower(key): _lowered(item, _first_lower(key)) for key, item in value.items()}
    if isinstance(value, list):
        return [_lowered(item) for item in value]
    return int(value) if name in NUMBERS else value


def _first_lower(name: str) -> str:
    return name[:1].lower() + name[1:]


def _text(value: Any) -> str:
    """CloudFormation hands every setting of an action on as a text."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _tags(properties: Json) -> list[Json]:
    return [{"key": tag["Key"], "value": tag["Value"]} for tag in properties.get("Tags") or ()]
