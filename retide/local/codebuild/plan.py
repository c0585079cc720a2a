"""What one build is to do: a project with its overrides, settled before the build is queued."""

from __future__ import annotations

from dataclasses import dataclass, field

from retide.local.codebuild.seam import Input, Variable
from retide.local.interfaces import Json


@dataclass(frozen=True, slots=True)
class Source:
    """An input under the name by which CODEBUILD_SRC_DIR_<name> finds it; the primary one has no name."""

    name: str
    input: Input


@dataclass(frozen=True, slots=True)
class Target:
    """Where an artefact goes: one ZIP at the key, or files below it. The identifier names a secondary artefact."""

    identifier: str
    bucket: str
    path: str
    name: str
    zipped: bool
    by_build: bool = False
    name_from_buildspec: bool = False

    def key(self, build: str, name: str) -> str:
        """`build` is the build's uuid, `name` what the buildspec calls the artefact, if anything."""
        last = name if self.name_from_buildspec and name else self.name
        folder = [build] if self.by_build else []
        return "/".join(part.strip("/") for part in (self.path, *folder, last) if part.strip("/"))


@dataclass(frozen=True, slots=True)
class Plan:
    """`described` is what BatchGetBuilds repeats of the project; an empty `log_group` keeps no log."""

    project: str
    initiator: str
    buildspec: str
    sources: tuple[Source, ...]
    targets: tuple[Target, ...]
    variables: tuple[Variable, ...]
    minutes: int
    queued_minutes: int
    log_group: str
    log_prefix: str
    caches_directories: bool
    image: str
    encryption_key: str
    source_version: str = ""
    resolved_version: str = ""
    described: Json = field(default_factory=dict)
