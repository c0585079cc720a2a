"""CodePipeline in the local cloud: pipelines of type V2 that pushes to the local git host start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from retide.local.api import Api, Operation
from retide.local.clients import client
from retide.local.codebuild.seam import Builds
from retide.local.codeconnections.connections import Connections
from retide.local.codepipeline.approvals import ApprovalWorker
from retide.local.codepipeline.builds import BuildWorker
from retide.local.codepipeline.definition import APPROVAL, BUILD, SOURCE, Definition
from retide.local.codepipeline.engine import Engine
from retide.local.codepipeline.errors import FOLDER
from retide.local.codepipeline.events import Events
from retide.local.codepipeline.orders import Worker
from retide.local.codepipeline.pipelines import Pipelines
from retide.local.codepipeline.resources import PIPELINE, PipelineResources
from retide.local.codepipeline.runs import Runs
from retide.local.codepipeline.sources import SourceWorker
from retide.local.codepipeline.support import REFUSED
from retide.local.codepipeline.triggers import Pushes
from retide.local.codepipeline.turns import Spawn, Turns, in_a_thread
from retide.local.git import GitHost
from retide.local.interfaces import Event, Handler, ResourceType, Route, Settings

NAME: Final = "codepipeline"


class Extension(Protocol):
    """What CodePipeline needs of the emulator beneath it."""

    def register_service(
        self, name: str, handler: Handler, host_patterns: tuple[str, ...] = (), target_prefixes: tuple[str, ...] = ()
    ) -> None: ...

    def register_resource_type(self, name: str, resource_type: ResourceType) -> None: ...

    def emit_event(self, event: Event) -> None: ...


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The services that pipelines work with."""

    git: GitHost
    connections: Connections
    builds: Builds
    s3: Any
    sns: Any
    cloudwatch: Any


class CodePipeline:
    """All of it, wired once. `spawn` does the work that takes time: threads, or a test's own hand."""

    def __init__(
        self, settings: Settings, extension: Extension, neighbours: Neighbours, spawn: Spawn = in_a_thread
    ) -> None:
        self._settings = settings
        self._events = Events(extension, settings)
        self._neighbours = neighbours
        self._spawn = spawn
        self._turns: list[Turns] = []
        self._workers: dict[str, Worker] = {
            SOURCE: SourceWorker(neighbours.git.repositories, neighbours.connections, neighbours.s3),
            BUILD: BuildWorker(neighbours.builds, settings.region),
            APPROVAL: ApprovalWorker(neighbours.sns, settings.region),
        }
        self.pipelines = Pipelines(settings, self._engine)
        self.api = Api(settings, NAME, _operations(self.pipelines, Runs(self.pipelines)), REFUSED, FOLDER)
        pushes = Pushes(self.pipelines, neighbours.connections, neighbours.git.repositories)
        neighbours.git.listen(pushes.received)

    @property
    def routes(self) -> Mapping[str, Route]:
        return {}

    def close(self) -> None:
        """Nothing begins any more; builds are ended by CodeBuild."""
        for turns in self._turns:
            turns.close()

    def _engine(self, definition: Definition) -> Engine:
        turns = Turns(self._settings.clock, self._spawn)
        self._turns.append(turns)
        return Engine(definition, turns, self._events, self._workers, self._neighbours.cloudwatch)


def _operations(pipelines: Pipelines, runs: Runs) -> dict[str, Operation]:
    return {
        "CreatePipeline": pipelines.create,
        "UpdatePipeline": pipelines.update,
        "GetPipeline": pipelines.get,
        "DeletePipeline": pipelines.delete,
        "ListPipelines": pipelines.list_all,
        "GetPipelineState": pipelines.state,
        "TagResource": pipelines.tag,
        "UntagResource": pipelines.untag,
        "ListTagsForResource": pipelines.list_tags,
        "StartPipelineExecution": runs.start,
        "StopPipelineExecution": runs.stop,
        "RetryStageExecution": runs.retry,
        "RollbackStage": runs.roll_back,
        "PutApprovalResult": runs.approve,
        "DisableStageTransition": runs.close,
        "EnableStageTransition": runs.open,
        "GetPipelineExecution": runs.get,
        "ListPipelineExecutions": runs.list_executions,
        "ListActionExecutions": runs.list_actions,
        "ListRuleExecutions": runs.list_rules,
    }


def install(
    extension: Extension, settings: Settings, git: GitHost, connections: Connections, builds: Builds
) -> CodePipeline:
    """Register CodePipeline with the emulator; close the result before the emulator ends."""
    clients = {name: client(settings, name) for name in ("s3", "sns", "cloudwatch")}
    service = CodePipeline(settings, extension, Neighbours(git, connections, builds, **clients))
    extension.register_service(NAME, service.api.handle, (r"^codepipeline\.",), ("CodePipeline_20150709.",))
    extension.register_resource_type(PIPELINE, PipelineResources(service.api).type())
    return service
