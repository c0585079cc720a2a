"""What CodePipeline asks of a CodeBuild project, and what it is told of the build that follows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, Protocol

VariableType = Literal["PLAINTEXT", "PARAMETER_STORE", "SECRETS_MANAGER"]
RUNNING: Final = "IN_PROGRESS"


@dataclass(frozen=True, slots=True)
class Clone:
    """An input artefact in the format CODEBUILD_CLONE_REF: the build clones the repository and checks out the commit.

    `repository` is the folder of a bare repository on this machine, `commit` the full hash.
    """

    name: str
    repository: Path
    commit: str


@dataclass(frozen=True, slots=True)
class Zip:
    """An input artefact as a ZIP file in S3; `revision` is what the source action resolved, usually a commit.

    `version` is the object's, where the bucket keeps versions; without it the latest one is taken.
    """

    name: str
    bucket: str
    key: str
    revision: str = ""
    version: str = ""


Input = Clone | Zip


@dataclass(frozen=True, slots=True)
class Output:
    """An output artefact: the build writes one ZIP file to exactly this object."""

    name: str
    bucket: str
    key: str


@dataclass(frozen=True, slots=True)
class Variable:
    """An environment variable; the value of one that is not PLAINTEXT says where the value is kept."""

    name: str
    value: str
    type: VariableType = "PLAINTEXT"


@dataclass(frozen=True, slots=True)
class Order:
    """One CodeBuild action of a pipeline. Its one output is the build's artefact; several are secondary artefacts."""

    project: str
    pipeline: str
    execution_id: str
    primary: Input
    others: tuple[Input, ...] = ()
    outputs: tuple[Output, ...] = ()
    variables: tuple[Variable, ...] = ()


@dataclass(frozen=True, slots=True)
class BuildState:
    """A build at one moment. `message` says why it did not succeed, `exported` holds its exported variables.

    `status` is IN_PROGRESS, or one of SUCCEEDED, FAILED, FAULT, TIMED_OUT and STOPPED, which are final.
    """

    id: str
    arn: str
    status: str
    phase: str
    message: str = ""
    log_group: str = ""
    log_stream: str = ""
    exported: Mapping[str, str] = field(default_factory=dict)

    @property
    def ended(self) -> bool:
        return self.status != RUNNING


class Builds(Protocol):
    """CodeBuild as CodePipeline sees it. Build ids look like project:uuid."""

    def start(self, order: Order) -> str:
        """Queue a build and give its id. Raises ApiError when there is no such project or it refuses the order."""

    def state(self, build_id: str) -> BuildState:
        """Raises ApiError when there is no such build."""

    def wait(self, build_id: str, seconds: float | None = None) -> BuildState:
        """Block until the build has ended, or for so many real seconds. A cloud that closes ends its builds first."""

    def when_ended(self, build_id: str, callback: Callable[[BuildState], object]) -> None:
        """Call `callback` once with the final state, from the build's own thread; at once when it has ended."""

    def stop(self, build_id: str) -> None:
        """Ask the build to stop; one that has ended is left as it is."""
