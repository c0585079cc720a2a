"""Runs the commands of a build one after the other: each a shell of its own, with what the last one has exported."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from retide.local.clock import Clock, Timer
from retide.local.codebuild.build import Cause, Interruption
from retide.local.codebuild.buildlog import BuildLog
from retide.local.processes import Registry, end_carriers, session_lives

GRACE_SECONDS: Final = 10.0
BETWEEN_LOOKS: Final = 1.0  # seconds, at the log of a command that runs
BETWEEN_CHECKS: Final = 0.05  # seconds, on what a stopped command has left running
OWN: Final = ("_", "PWD", "OLDPWD", "SHLVL")
BUILD_ID: Final = "CODEBUILD_BUILD_ID"
"""In the environment of every process of a build: what finds them again at its end."""

# The shell exports whatever a command sets, and leaves it behind with the folder in which the command ended.
SCRIPT: Final = """\
__leave() { code=$?; trap - EXIT; %(env)s -0 >%(variables)s; pwd >%(folder)s; exit $code; }
trap __leave EXIT
set -a
"""


class Commands:
    """The processes of one build. `folder` is for what passes between them, `environment` what the first one gets."""

    def __init__(
        self,
        registry: Registry,
        clock: Clock,
        interruption: Interruption,
        log: BuildLog,
        folder: Path,
        environment: Mapping[str, str],
    ) -> None:
        self._registry = registry
        self._clock = clock
        self._interruption = interruption
        self._log = log
        self._folder = folder
        self._build_id = environment[BUILD_ID]
        self._sessions: list[int] = []
        self.environment = dict(environment)
        self.working_folder = folder

    def shell(self, shell: str, command: str) -> int:
        """Run one command of the buildspec; gives its exit status. Raises Interrupted."""
        script = self._folder / "script.sh"
        script.write_text(self._prologue() + command + "\n", encoding="utf-8", newline="\n")
        folder = self.working_folder if self.working_folder.is_dir() else self._folder
        status = self.run([shutil.which(shell) or shell, str(script)], folder)
        self._carry_over()
        return status

    def run(self, words: Sequence[str], folder: Path) -> int:
        """Run one program to its end; gives its exit status, 128 + n when signal n ended it. Raises Interrupted."""
        self._interruption.check()
        with self._log.file.open("ab") as output:
            process = self._registry.spawn(
                words, environment=self.environment, folder=folder, stdout=output, stderr=subprocess.STDOUT
            )
        self._sessions.append(process.pid)
        running = _Running(process, self._clock)
        with self._interruption.calling(lambda: self._end(running)):
            while not running.exited.wait(BETWEEN_LOOKS):
                self._log.publish()
            if self._interruption.cause is not None:
                running.let_finish()
        self._forget_if_over(process.pid)
        return 128 - process.returncode if process.returncode < 0 else process.returncode

    def close(self) -> None:
        """End whatever is left of the build, daemons that it started included."""
        end_carriers(BUILD_ID, self._build_id, self._sessions)
        for session in self._sessions:
            self._registry.forget(session)

    def _end(self, running: _Running) -> None:
        if self._interruption.cause is Cause.CLOSED:
            running.kill()
        else:
            running.end()

    def _forget_if_over(self, session: int) -> None:
        """The system may give the number of a session that is over to somebody else."""
        if not session_lives(session):
            self._sessions.remove(session)
            self._registry.forget(session)

    def _prologue(self) -> str:
        return SCRIPT % {
            "env": shutil.which("env") or "/usr/bin/env",
            "variables": shlex.quote(str(self._folder / "variables")),
            "folder": shlex.quote(str(self._folder / "folder")),
        }

    def _carry_over(self) -> None:
        """A command that ended in another way, by a signal or by exec, has left nothing behind."""
        variables, folder = self._folder / "variables", self._folder / "folder"
        if variables.is_file() and folder.is_file():
            lines = variables.read_bytes().decode(errors="surrogateescape").split("\0")
            exported = dict(line.split("=", 1) for line in lines if "=" in line)
            self.environment = {name: value for name, value in exported.items() if name not in OWN}
            self.working_folder = Path(folder.read_text(errors="surrogateescape").removesuffix("\n"))
        variables.unlink(missing_ok=True)
        folder.unlink(missing_ok=True)


class _Running:
    """One process in a session of its own."""

    def __init__(self, process: subprocess.Popen[bytes], clock: Clock) -> None:
        self._process = process
        self._clock = clock
        self._timer: Timer | None = None
        self.exited = threading.Event()
        threading.Thread(target=self._reap, name=f"build-{process.pid}", daemon=True).start()

    def end(self) -> None:
        """Ask its process group to end, and insist after a while."""
        self._signal(signal.SIGTERM)
        self._timer = self._clock.call_later(GRACE_SECONDS, self.kill)

    def let_finish(self) -> None:
        """Others of its session may still tidy up: make removes a half-made target."""
        while session_lives(self._process.pid):
            threading.Event().wait(BETWEEN_CHECKS)
        if self._timer is not None:
            self._timer.cancel()

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        if self.exited.is_set() and not session_lives(self._process.pid):
            return  # its number may be somebody else's by now
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    def _reap(self) -> None:
        self._process.wait()
        self.exited.set()
