"""The operations on pipelines themselves: their definitions, their versions and their tags."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from retide.local.codepipeline import overview
from retide.local.codepipeline.definition import Definition, parsed
from retide.local.codepipeline.engine import Engine
from retide.local.codepipeline.errors import conflict, no_pipeline
from retide.local.codepipeline.executions import Trigger
from retide.local.codepipeline.pages import page
from retide.local.codepipeline.validation import check_pipeline
from retide.local.errors import ApiError
from retide.local.interfaces import Json, Settings

MAX_TAGS: Final = 50


@dataclass(slots=True)
class Pipeline:
    """A pipeline with all versions of its definition."""

    engine: Engine
    created: datetime
    updated: datetime
    tags: dict[str, str]
    versions: list[Definition]
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def definition(self) -> Definition:
        return self.engine.definition


class Pipelines:
    """All pipelines of one account and region, by name."""

    def __init__(self, settings: Settings, engine: Callable[[Definition], Engine]) -> None:
        self._settings = settings
        self._engine = engine
        self._lock = threading.Lock()
        self._pipelines: dict[str, Pipeline] = {}
        self.user = f"arn:aws:iam::{settings.account}:root"

    def create(self, request: Json) -> Json:
        """CreatePipeline: the first execution starts at once."""
        declared = copy.deepcopy(request["pipeline"])
        check_pipeline(declared, self._settings.region)
        tags, definition, now = _tags(request.get("tags", ())), parsed(declared, 1), self._settings.clock.now()
        with self._lock:
            if definition.name in self._pipelines:
                message = f"A pipeline with the name '{definition.name}' already exists in account"
                raise conflict("PipelineNameInUseException", f"{message} '{self._settings.account}'")
            made = Pipeline(self._engine(definition), now, now, tags, [definition])
            self._pipelines[definition.name] = made
        made.engine.start(Trigger("CreatePipeline", self.user), parameters=defaults(definition))
        return {"pipeline": definition.declared, "tags": _listed(tags)}

    def update(self, request: Json) -> Json:
        """UpdatePipeline: a new version; executions under way are cancelled, none is started."""
        declared = copy.deepcopy(request["pipeline"])
        one = self.find(declared["name"])
        declared.pop("version", None)
        check_pipeline(declared, self._settings.region)
        with one.engine.turns:
            definition = parsed(declared, one.definition.version + 1)
            one.versions.append(definition)
            one.updated = self._settings.clock.now()
            one.engine.replace(definition)
        return {"pipeline": definition.declared}

    def get(self, request: Json) -> Json:
        """GetPipeline, in any of its versions."""
        one = self.find(request["name"])
        version = request.get("version", one.definition.version)
        if version > len(one.versions):
            message = f"The pipeline {request['name']} has no version {version}"
            raise conflict("PipelineVersionNotFoundException", message)
        metadata = {"pipelineArn": self.arn(request["name"]), "created": one.created, "updated": one.updated}
        return {"pipeline": one.versions[version - 1].declared, "metadata": metadata}

    def delete(self, request: Json) -> Json:
        """DeletePipeline; one that is gone already is deleted, as on AWS."""
        with self._lock:
            one = self._pipelines.pop(request["name"], None)
        if one is not None:
            one.engine.cancel()
        return {}

    def list_all(self, request: Json) -> Json:
        """ListPipelines."""
        rows = [(one.definition.name, _summary(one)) for one in self.all()]
        return page("pipelines", rows, request, default=1000)

    def state(self, request: Json) -> Json:
        """GetPipelineState."""
        one = self.find(request["name"])
        with one.engine.turns:
            return {
                "pipelineName": one.definition.name,
                "pipelineVersion": one.definition.version,
                "stageStates": overview.stages(one.engine),
                "created": one.created,
                "updated": one.updated,
            }

    def tag(self, request: Json) -> Json:
        """TagResource."""
        one = self._tagged(request["resourceArn"])
        tags = one.tags | _tags(request["tags"])
        if len(tags) > MAX_TAGS:
            raise ApiError("TooManyTagsException", f"There would be {len(tags)} tags: at most {MAX_TAGS} are allowed")
        one.tags = tags
        return {}

    def untag(self, request: Json) -> Json:
        """UntagResource."""
        one = self._tagged(request["resourceArn"])
        one.tags = {key: value for key, value in one.tags.items() if key not in request["tagKeys"]}
        return {}

    def list_tags(self, request: Json) -> Json:
        """ListTagsForResource; at most 50 tags exist, so one page holds them."""
        return {"tags": _listed(self._tagged(request["resourceArn"]).tags)}

    def find(self, name: str) -> Pipeline:
        """Raises PipelineNotFoundException when there is none."""
        with self._lock:
            one = self._pipelines.get(name)
        if one is None:
            raise no_pipeline(name)
        return one

    def all(self) -> list[Pipeline]:
        with self._lock:
            return list(self._pipelines.values())

    def arn(self, name: str) -> str:
        return f"arn:aws:codepipeline:{self._settings.region}:{self._settings.account}:{name}"

    def _tagged(self, arn: str) -> Pipeline:
        found = next((one for one in self.all() if self.arn(one.definition.name) == arn), None)
        if found is None:
            raise ApiError("ResourceNotFoundException", f"There is no pipeline {arn}")
        return found


def defaults(definition: Definition) -> Mapping[str, str]:
    """The pipeline's variables with a default value."""
    return {name: value for name, value in definition.defaults.items() if value is not None}


def _summary(one: Pipeline) -> Json:
    return {
        "name": one.definition.name,
        "version": one.definition.version,
        "pipelineType": "V2",
        "executionMode": one.definition.mode,
        "created": one.created,
        "updated": one.updated,
    }


def _tags(tags: list[Json]) -> dict[str, str]:
    return {tag["key"]: tag["value"] for tag in tags}


def _listed(tags: Mapping[str, str]) -> list[Json]:
    return [{"key": key, "value": value} for key, value in tags.items()]
