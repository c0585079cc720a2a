"""CodeBuild as AWS documents it, on this machine: a build is a few processes in a clean folder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from retide.local.api import Api, Operation
from retide.local.codebuild.builds import LocalBuilds
from retide.local.codebuild.caches import Caches
from retide.local.codebuild.errors import FOLDER
from retide.local.codebuild.events import Events
from retide.local.codebuild.projects import Projects
from retide.local.codebuild.resources import PROJECT, ProjectResources
from retide.local.codebuild.runner import Runner
from retide.local.codebuild.seam import Builds
from retide.local.codebuild.slots import Slots
from retide.local.codebuild.support import REFUSED
from retide.local.codebuild.workspace import Clients
from retide.local.folders import remove_tree
from retide.local.interfaces import Event, Handler, ResourceType, Route, Settings
from retide.local.processes import Registry


class Extension(Protocol):
    """What CodeBuild needs of the emulator beneath it."""

    def register_service(
        self, name: str, handler: Handler, host_patterns: tuple[str, ...] = (), target_prefixes: tuple[str, ...] = ()
    ) -> None: ...

    def register_resource_type(self, name: str, resource_type: ResourceType) -> None: ...

    def emit_event(self, event: Event) -> None: ...


class CodeBuild:
    """All of it, wired once. What projects keep in their caches outlives the cloud; nothing else does."""

    def __init__(self, settings: Settings, extension: Extension, slots: Slots | None = None) -> None:
        folder = settings.home / "codebuild"
        for left in ("builds", "logs"):
            remove_tree(folder / left)  # of an earlier run, whose builds nobody remembers
        caches = Caches(folder / "cache")
        self.projects = Projects(settings, caches)
        clients, registry, events = Clients.of(settings), Registry(settings.home), Events(extension)
        runner = Runner(settings, registry, clients, caches, events, slots or Slots())
        self._builds = LocalBuilds(settings, self.projects, runner)
        self.api = Api(settings, "codebuild", self._operations(), REFUSED, FOLDER)

    @property
    def builds(self) -> Builds:
        """For pipelines."""
        return self._builds

    @property
    def routes(self) -> Mapping[str, Route]:
        return {}

    def close(self) -> None:
        """End every build."""
        self._builds.close()

    def _operations(self) -> dict[str, Operation]:
        projects, builds = self.projects, self._builds
        return {
            "CreateProject": projects.create,
            "UpdateProject": projects.update,
            "DeleteProject": projects.delete,
            "BatchGetProjects": projects.batch_get,
            "ListProjects": projects.list,
            "InvalidateProjectCache": projects.forget_cache,
            "StartBuild": builds.start_build,
            "StopBuild": builds.stop_build,
            "RetryBuild": builds.retry_build,
            "BatchGetBuilds": builds.batch_get,
            "BatchDeleteBuilds": builds.batch_delete,
            "ListBuilds": builds.list_all,
            "ListBuildsForProject": builds.list_for_project,
        }


def install(extension: Extension, settings: Settings) -> CodeBuild:
    """Register CodeBuild with the emulator; close the result before the emulator ends."""
    service = CodeBuild(settings, extension)
    extension.register_service("codebuild", service.api.handle, (r"codebuild\.",), ("CodeBuild_20161006",))
    extension.register_resource_type(PROJECT, ProjectResources(service.api, service.projects).type())
    return service
