"""Make the throw-away environment of a contestant with uv, from the package index that this machine is set up with."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.judging.field import Contestant

SHOWN: Final = ("duckdb", "polars", "pandas", "numpy", "pyarrow", "pandera", "great-expectations", "evidently")
_ALSO: Final = ("whylogs", "tensorflow-data-validation", "tensorflow")


class NotInstallable(Exception):
    """What a contestant needs cannot be had here; the message is uv's own last words."""


@dataclass(frozen=True, slots=True)
class Home:
    """The Python that a contestant runs with, and the versions of what is measured in it."""

    python: Path
    versions: tuple[str, ...]


def home(contestant: Contestant, cache: Path, uv: str) -> Home:
    """Made once for each set of requirements; raises NotInstallable."""
    python = _environment(contestant, cache, uv) if contestant.requirements else Path(sys.executable)
    return Home(python, _versions(python, uv))


def _environment(contestant: Contestant, cache: Path, uv: str) -> Path:
    asked = hashlib.sha256(repr((contestant.requirements, contestant.python)).encode()).hexdigest()[:12]
    folder = cache / "environments" / asked
    python, ready = folder / "bin/python", folder / "ready"
    if not ready.exists():
        shutil.rmtree(folder, ignore_errors=True)
        _run(uv, "venv", "--quiet", "--python", contestant.python or sys.executable, str(folder))
        _run(uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", str(python), *contestant.requirements)
        ready.touch()
    return python


def _versions(python: Path, uv: str) -> tuple[str, ...]:
    frozen = _run(uv, "pip", "freeze", "--quiet", "--python", str(python)).splitlines()
    return tuple(line for line in frozen if line.partition("==")[0] in {*SHOWN, *_ALSO})


def _run(*command: str) -> str:
    environment = {**os.environ, "UV_PYTHON_DOWNLOADS": "never"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotInstallable(" ".join(done.stderr.split())[:300])
    return done.stdout
