"""The `retide` command as a program: what it prints, its status, and what it leaves behind."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from retide.local.processes import MARK, lives
from tests.patience import SLACK

ROOT = Path(__file__).resolve().parents[2]
LIMIT_SECONDS = 240 * SLACK


@dataclass(frozen=True, slots=True)
class Ended:
    status: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class CommandLine:
    """Runs in an environment without anybody's AWS settings; `home` is the local cloud's, `root` a checkout."""

    home: Path
    more: Mapping[str, str]
    root: Path = ROOT

    def __call__(self, *words: str) -> Ended:
        ended = subprocess.run(
            self._command(*words),
            env=self._environment,
            cwd=self.root,
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )
        return Ended(ended.returncode, ended.stdout, ended.stderr)

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Without a terminal; both streams in one."""
        return subprocess.Popen(
            self._command(*words),
            env=self._environment,
            cwd=self.root,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def left_behind(self) -> list[str]:
        """The command lines of processes that belong to the cloud of this home and still run."""
        return sorted(" ".join(process.cmdline()) for process in self._processes())

    def _processes(self) -> Iterator[psutil.Process]:
        for process in psutil.process_iter():
            try:
                environment = process.environ() if lives(process) else {}
            except psutil.Error:
                continue
            if str(self.home) in (environment.get(MARK), environment.get("RETIDE_HOME")):
                yield process

    def _command(self, *words: str) -> list[str]:
        return [sys.executable, "-c", "from retide.cli import main; main()", *words]

    @property
    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "RETIDE_"))}
        nobody = {
            "RETIDE_HOME": str(self.home),
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }
        return {**kept, **nobody, **self.more}
