"""What a buildspec says, once it has been read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

PHASES: Final = ("install", "pre_build", "build", "post_build")
Action = Literal["ABORT", "CONTINUE", "RETRY"]
Shell = Literal["sh", "bash"]


@dataclass(frozen=True, slots=True)
class OnFailure:
    """What follows a failed phase; `retries` and `pattern` (of the failure's message) belong to RETRY."""

    action: Action
    retries: int = 0
    pattern: re.Pattern[str] = re.compile(r".*")


@dataclass(frozen=True, slots=True)
class PhaseSpec:
    """The commands of one phase, and those that run whatever became of them."""

    commands: tuple[str, ...] = ()
    finally_: tuple[str, ...] = ()
    on_failure: OnFailure | None = None
    runtimes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ArtifactSpec:
    """Which files make up an artefact; patterns are relative to the base directory."""

    files: tuple[str, ...]
    base_directory: str = "."
    exclude_paths: tuple[str, ...] = ()
    discard_paths: bool = False
    name: str = ""


@dataclass(frozen=True, slots=True)
class EnvSpec:
    """Variables as they are, and those that are fetched: parameters by name, secrets by id:json-key:stage:version."""

    shell: Shell = "sh"
    variables: Mapping[str, str] = field(default_factory=dict)
    parameter_store: Mapping[str, str] = field(default_factory=dict)
    secrets_manager: Mapping[str, str] = field(default_factory=dict)
    exported: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Buildspec:
    """Version 0.2. `secondary_artifacts` are by their identifiers."""

    env: EnvSpec
    phases: Mapping[str, PhaseSpec]
    artifacts: ArtifactSpec | None = None
    secondary_artifacts: Mapping[str, ArtifactSpec] = field(default_factory=dict)
    cache_paths: tuple[str, ...] = ()

    def phase(self, name: str) -> PhaseSpec:
        """One without commands where the buildspec has none of that name."""
        return self.phases.get(name, PhaseSpec())
