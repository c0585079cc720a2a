"""Run the real CDK command line: its whole output goes to a log, what a person wants to see to a callback."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, Self

from retide.cli.failures import CliError

DEPLOYING: Final = re.compile(r"^(?P<stack>\S+): deploying\.\.\.")
RESOURCE: Final = re.compile(
    r"^(?P<stack>\S+) \|\s*(?P<count>\d+(?:/\d+)?) \|.*\| (?P<status>[A-Z_]+)\s*\| (?P<type>\S+)"
)
DONE: Final = re.compile(r"^\s*✅\s+(?P<stack>\S+)(?P<unchanged> \(no changes\))?")
COLOURS: Final = re.compile(r"\x1b\[[0-9;]*m")
APP_ENDED: Final = re.compile(r"Subprocess exited with error \d+$")
RESOURCE_FAILED: Final = re.compile(
    r"^(?P<stack>\S+) \|.*\| (?:CREATE|UPDATE|DELETE)_FAILED\s*\| (?P<type>\S+)\s*\| (?P<why>.+)"
)
CANCELLED: Final = re.compile(r"(?i)(?:creation|update|deletion) cancelled")  # for what failed beside it
ADVICE: Final = re.compile(r"CloudTrail|cdk diagnose")  # what the CDK says after the cause
OURS: Final = "error: "
"""How the app begins a line for a person, which is not shortened: it names every fault of a contract."""

TAIL: Final = 40
SHORT: Final = 300  # characters of what the CDK says itself


@dataclass(frozen=True, slots=True)
class Stacked:
    """One stack has been deployed."""

    stack: str
    changed: bool


@dataclass(frozen=True, slots=True)
class Doing:
    """What the toolkit does right now."""

    text: str


Seen = Stacked | Doing


def read_line(line: str) -> Seen | None:
    """What one line of `cdk deploy --progress events` means; None for what nobody needs to see."""
    plain = COLOURS.sub("", line)
    if done := DONE.match(plain):
        return Stacked(done["stack"], changed=not done["unchanged"])
    if deploying := DEPLOYING.match(plain):
        return Doing(f"deploying {deploying['stack']}")
    if resource := RESOURCE.match(plain):
        return Doing(f"deploying {resource['stack']} ({resource['count']}): {resource['type']}")
    return None


@dataclass(frozen=True, slots=True)
class Toolkit:
    """The CDK in one checkout, against the cloud of one environment; `project` is where cdk.json lies."""

    cdk: Path
    project: Path
    environment: Mapping[str, str]
    log: Path
    context: Mapping[str, str]

    def synth(self) -> CdkProcess:
        """Start synthesising to `<log's folder>/cdk.out`; needs no cloud."""
        return self._start(["synth", "--quiet", "--output", str(self.assembly), *self._context])

    def bootstrap(self, account: str, region: str) -> CdkProcess:
        """Runs beside the project: an environment that is named needs no app, and one found would be synthesised."""
        return self._start(["bootstrap", f"aws://{account}/{region}"], folder=self.log.parent)

    def deploy(self) -> CdkProcess:
        """Start deploying what `synth` made."""
        options = ["--all", "--require-approval", "never", "--progress", "events", "--ci", "--concurrency", "1"]
        return self._start(["deploy", *options, "--app", str(self.assembly)])

    @property
    def assembly(self) -> Path:
        """Where `synth` leaves the stacks."""
        return self.log.parent / f"{self.log.stem}.cdk.out"

    @property
    def _context(self) -> list[str]:
        return [word for name, value in self.context.items() for word in ("--context", f"{name}={value}")]

    def _start(self, arguments: Sequence[str], folder: Path | None = None) -> CdkProcess:
        if not shutil.which("node", path=self.environment.get("PATH")):
            raise CliError("Node.js is missing: install Node 20 or newer, then run `make setup`")
        self.log.parent.mkdir(parents=True, exist_ok=True)
        return CdkProcess([str(self.cdk), *arguments], self, folder or self.project)


class CdkProcess:
    """One run of the CDK; leaving the `with` block early ends it with everything that it started."""

    def __init__(self, command: Sequence[str], toolkit: Toolkit, folder: Path) -> None:
        self._log = toolkit.log
        self._verb = command[1]
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            env=_environment(toolkit.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(3)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def finish(self, seen: Callable[[Seen], None] = lambda _: None) -> None:
        """Wait for the end and report what is worth seeing; raises CliError with the CDK's own reason."""
        lines: list[str] = []
        with self._log.open("a", encoding="utf-8") as log:
            for line in self._output:
                log.write(line)
                lines = [*lines[-TAIL:], COLOURS.sub("", line).rstrip()]
                if event := read_line(line):
                    seen(event)
        if self._process.wait() != 0:
            raise CliError(f"`cdk {self._verb}` failed: {why(lines)} (everything it said: {self._log})")

    @property
    def _output(self) -> IO[str]:
        if self._process.stdout is None:
            raise CliError("the CDK's output cannot be read")
        return self._process.stdout


def why(lines: Sequence[str]) -> str:
    """The line that names the cause, out of the last ones; how the app was called and that it failed is none.

    The first resource that failed is the cause, and what was cancelled for its sake is not.
    """
    said = [line.strip() for line in lines if line.strip() and not (APP_ENDED.search(line) or ADVICE.search(line))]
    if own := [line for line in said if line.startswith(OURS)]:
        return own[-1].removeprefix(OURS)
    failed = [found for line in said if (found := RESOURCE_FAILED.match(line)) and not CANCELLED.search(line)]
    if failed:
        return f"{failed[0]['stack']}: {failed[0]['type']} {failed[0]['why']}"[:SHORT]
    named = [line for line in said if re.search(r"(?i)error|failed|❌|exception", line)]
    return (named or said or ["it said nothing"])[-1].removeprefix("❌").strip()[:SHORT]


def _environment(given: Mapping[str, str]) -> dict[str, str]:
    """This Python comes first on PATH, so that the app runs in the environment that the command line runs in."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{given.get('PATH', os.defpath)}"
    quiet = {
        "CDK_DISABLE_VERSION_CHECK": "1",
        "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "1",
        "NO_COLOR": "1",
        "CDK_DISABLE_CLI_TELEMETRY": "true",
    }
    return {**given, **quiet, "PATH": path}


def commit(project: Path) -> str:
    """The checkout's commit, or "unknown" outside a git repository."""
    try:
        asked = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=project, capture_output=True, text=True, timeout=5, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    return asked.stdout.strip() or "unknown"
