"""The folder of one build and everything in it, from its inputs to its artefacts; gone when the build has ended."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from retide.local.clients import client
from retide.local.codebuild import artifacts, runtimes
from retide.local.codebuild.build import Build
from retide.local.codebuild.buildlog import BuildLog
from retide.local.codebuild.buildspec import ArtifactSpec, Buildspec, EnvSpec, PhaseSpec
from retide.local.codebuild.caches import Caches
from retide.local.codebuild.commands import Commands
from retide.local.codebuild.document import BuildspecError
from retide.local.codebuild.errors import CLIENT_ERROR, COMMAND_ERROR, YAML_ERROR, PhaseFailed
from retide.local.codebuild.plan import Target
from retide.local.codebuild.reading import read_buildspec
from retide.local.codebuild.sources import Sources
from retide.local.codebuild.variables import Fetcher, platform
from retide.local.folders import remove_tree
from retide.local.interfaces import Settings
from retide.local.processes import Registry

DEFAULT_FILE: Final = "buildspec.yml"


@dataclass(frozen=True, slots=True)
class Clients:
    """boto3's, one of each for all builds."""

    s3: Any
    logs: Any
    parameters: Any
    secrets: Any

    @classmethod
    def of(cls, settings: Settings) -> Clients:
        return cls(*(client(settings, name) for name in ("s3", "logs", "ssm", "secretsmanager")))


class Workspace:
    """What the phases of one build do. Raises PhaseFailed and Interrupted."""

    def __init__(
        self, settings: Settings, registry: Registry, clients: Clients, caches: Caches, build: Build, log: BuildLog
    ) -> None:
        self._settings = settings
        self._registry = registry
        self._clients = clients
        self._caches = caches
        self._build = build
        self._log = log
        self._root = settings.home / "codebuild" / "builds" / build.uuid
        self._source = self._root / "src"
        self._fetcher = Fetcher(clients.parameters, clients.secrets, log)
        self._buildspec = Buildspec(EnvSpec(), {})
        self._commands: Commands | None = None

    def provision(self) -> None:
        """Make the folder, empty but for what the processes of the build need."""
        scratch, temporary = self._root / "scratch", self._root / "tmp"
        for folder in (scratch, temporary):
            folder.mkdir(parents=True)
        environment = platform(self._settings, self._build, self._source, temporary)
        self._commands = Commands(
            self._registry, self._settings.clock, self._build.interruption, self._log, scratch, environment
        )

    def download(self) -> None:
        """Bring the inputs, read the buildspec, link the cache and settle the environment."""
        sources = Sources(self._clients.s3, self._running, self._log, self._root / "scratch")
        for source in self._build.plan.sources:
            sources.bring(source.input, self._folder_of(source.name))
        self._source.mkdir(exist_ok=True)
        self._buildspec = self._read()
        self._running.working_folder = self._source
        self._settle_environment()
        if self._build.plan.caches_directories:
            paths = self._buildspec.cache_paths
            self._caches.link(self._build.plan.project, self._build.id, paths, self._source, self._log.say)

    def run_phase(self, name: str) -> None:
        """Run the commands of a phase until one fails, then its finally block. Raises what failed first."""
        spec = self._buildspec.phase(name)
        failures = [self._first_failure(spec.commands), self._first_failure(spec.finally_)]
        for failure in failures:
            if failure is not None:
                raise failure

    def upload(self) -> None:
        """Write every artefact that the build is to give."""
        scratch = self._root / "scratch"
        uploader = artifacts.Uploader(self._clients.s3, self._build.uuid, self._build.arn, scratch)
        for target in self._build.plan.targets:
            self._build.interruption.check()
            spec = self._artifact(target)
            files = artifacts.choose(spec, self._source)
            self._log.say(f"Found {len(files)} file(s) for the artifact {target.identifier or target.name}")
            self._build.uploaded.append(uploader.upload(target, files, self._name(target, spec)))

    def spec(self, phase: str) -> PhaseSpec:
        return self._buildspec.phase(phase)

    def exported(self) -> dict[str, str]:
        """The exported variables as they are now; what was fetched is no one else's business."""
        environment, hidden = self._running.environment, self._fetcher.fetched
        names = [name for name in self._buildspec.env.exported if name not in hidden and not name.startswith("AWS_")]
        return {name: environment[name] for name in names if name in environment}

    def end_processes(self) -> None:
        if self._commands is not None:
            self._commands.close()

    def remove(self) -> None:
        """End what still runs and delete the folder; the cache is free for the next build."""
        self.end_processes()
        self._caches.release(self._build.plan.project, self._build.id)
        remove_tree(self._root)

    @property
    def _running(self) -> Commands:
        if self._commands is None:
            raise RuntimeError("the workspace was not provisioned")
        return self._commands

    def _folder_of(self, name: str) -> Path:
        return self._root / "inputs" / name if name else self._source

    def _read(self) -> Buildspec:
        text = self._build.plan.buildspec
        if is_inline(text):
            return _parsed(text)
        path = self._source / (text or DEFAULT_FILE)
        if not path.resolve().is_relative_to(self._source.resolve()) or not path.is_file():
            raise PhaseFailed(YAML_ERROR, f"YAML file does not exist: {text or DEFAULT_FILE}")
        self._log.say(f"YAML location is {path}")
        try:
            return _parsed(path.read_text(encoding="utf-8-sig"))
        except UnicodeDecodeError as problem:
            raise PhaseFailed(YAML_ERROR, f"{text or DEFAULT_FILE} is not UTF-8: {problem}") from problem

    def _settle_environment(self) -> None:
        """What CodeBuild itself sets is nobody else's to change."""
        environment, programs = self._running.environment, self._root / "bin"
        own = {name: value for name, value in environment.items() if name.startswith("CODEBUILD_")}
        folders = {f"CODEBUILD_SRC_DIR_{source.name}": str(self._folder_of(source.name))
                   for source in self._build.plan.sources if source.name}  # fmt: skip
        environment |= self._fetcher.resolve(self._buildspec.env, self._build.plan.variables)
        runtimes.provide(self._buildspec.phase("install").runtimes, environment.get("PATH", ""), programs)
        if programs.is_dir():
            environment["PATH"] = f"{programs}:{environment.get('PATH', '')}"
        self._running.environment = environment | own | folders

    def _first_failure(self, commands: tuple[str, ...]) -> PhaseFailed | None:
        for command in commands:
            self._running.environment["CODEBUILD_BUILD_SUCCEEDING"] = "1" if self._build.succeeding else "0"
            self._log.say(f"Running command {command}")
            status = self._running.shell(self._buildspec.env.shell, command)
            if status:
                self._log.say(f"Command did not exit successfully {command} exit status {status}")
                return PhaseFailed(
                    COMMAND_ERROR, f"Error while executing command: {command}. Reason: exit status {status}"
                )
        return None

    def _artifact(self, target: Target) -> ArtifactSpec:
        """What the buildspec says of it. Raises PhaseFailed when it says nothing."""
        spec = self._buildspec.secondary_artifacts.get(target.identifier) if target.identifier else None
        spec = spec or (None if target.identifier else self._buildspec.artifacts)
        if spec is None:
            where = f"secondary-artifacts.{target.identifier}" if target.identifier else "files"
            raise PhaseFailed(CLIENT_ERROR, f"the buildspec has no artifacts.{where}, but the build is to upload it")
        return spec

    def _name(self, target: Target, spec: ArtifactSpec) -> str:
        """The buildspec's name for it is a text in the shell's language."""
        if not (target.name_from_buildspec and spec.name):
            return ""
        file = self._root / "scratch" / "name"
        status = self._running.shell(self._buildspec.env.shell, f'printf %s "{spec.name}" >"{file}"')
        if status:
            raise PhaseFailed(CLIENT_ERROR, f"the artifact's name {spec.name} cannot be worked out by the shell")
        return file.read_text(encoding="utf-8")


def is_inline(text: str) -> bool:
    """Whether it is a buildspec itself, not the path of one."""
    return "\n" in text or text.lstrip().startswith(("{", "version:"))


def _parsed(text: str) -> Buildspec:
    try:
        return read_buildspec(text)
    except BuildspecError as problem:
        raise PhaseFailed(YAML_ERROR, str(problem)) from problem
