"""The services that take a push to production, wired to each other: git host, connections, builds and pipelines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from retide.local import codebuild, codeconnections, codepipeline, git
from retide.local.extension import Extension
from retide.local.interfaces import Route, Service, Settings


class Delivery:
    """One service to the cloud."""

    def __init__(self, *services: Service) -> None:
        self._services: Final = services

    @property
    def routes(self) -> Mapping[str, Route]:
        return {path: route for service in self._services for path, route in service.routes.items()}

    def close(self) -> None:
        """Pipelines first, so that nothing begins while builds are ended."""
        for service in reversed(self._services):
            service.close()


def install(extension: Extension, settings: Settings) -> Delivery:
    """Register them with the emulator; close the result before the emulator ends."""
    host = git.install(settings)
    connections = codeconnections.install(extension, settings)
    builds = codebuild.install(extension, settings)
    pipelines = codepipeline.install(extension, settings, host, connections.connections, builds.builds)
    return Delivery(host, connections, builds, pipelines)
