"""Checks that this machine has the runtimes that a buildspec asks for, and puts them first on the build's path."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from retide.local.codebuild.errors import YAML_ERROR, PhaseFailed

PROGRAMS: Final = {"python": ("python", "python3"), "nodejs": ("node",)}
NUMBER: Final = re.compile(r"(\d+)\.(\d+)")
PROBES: Final = {  # a version manager's shim tells what stands behind it
    "python": ("-c", "import sys; print(sys.version.split()[0]); print(sys._base_executable)"),
    "nodejs": ("-p", "process.versions.node + '\\n' + process.execPath"),
}
LATEST: Final = "latest"
SECONDS: Final = 20.0


@dataclass(frozen=True, slots=True)
class Runtime:
    """A program of this machine, with its major and minor number."""

    version: str
    program: str


def provide(runtimes: Mapping[str, str], path: str, folder: Path) -> None:
    """Link the wanted programs in the folder, which comes before `path`. Raises PhaseFailed for what is not here."""
    for name, version in runtimes.items():
        if name not in PROGRAMS:
            known = ", ".join(PROGRAMS)
            raise PhaseFailed(
                YAML_ERROR, f"Unknown runtime named '{name}'. This machine can have the runtimes: {known}"
            )
        found = [here for program in _candidates(name, version, path) if (here := _look(name, program))]
        program = next((here.program for here in found if _suits(version, here.version)), None)
        if program is None:
            have = ", ".join(sorted({here.version for here in found})) or "none"
            problem = f"Unknown runtime version named '{version}' of {name}. This machine has the versions: {have}"
            raise PhaseFailed(YAML_ERROR, problem)
        _link(name, version, program, folder)


def _candidates(name: str, version: str, path: str) -> Iterator[str]:
    names = (f"python{version}", *PROGRAMS[name]) if name == "python" else PROGRAMS[name]
    for candidate in names:
        if found := shutil.which(candidate, path=path):
            yield found
    if name == "python":  # what runs the cloud is here in any case
        yield str(Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}")


def _look(name: str, program: str) -> Runtime | None:
    """None for a program that does not answer."""
    try:
        said = subprocess.run(
            [program, *PROBES[name]], capture_output=True, text=True, timeout=SECONDS, check=True
        ).stdout.splitlines()
    except (OSError, subprocess.SubprocessError):
        return None
    number = NUMBER.match(said[0]) if len(said) == len(PROBES[name]) else None
    return Runtime(f"{number[1]}.{number[2]}", said[1]) if number else None


def _suits(wanted: str, has: str) -> bool:
    """20 and 20.x are any 20; 3.12 is that one only."""
    if wanted == LATEST:
        return True
    major, _, minor = wanted.removesuffix(".x").partition(".")
    has_major, _, has_minor = has.partition(".")
    return has_major == major and minor in ("", has_minor)


def _link(name: str, version: str, program: str, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    exact = (f"python{version}",) if NUMBER.fullmatch(version) and name == "python" else ()
    for alias in (*PROGRAMS[name], *exact):
        launcher = folder / alias
        launcher.write_text(f'#!/bin/sh\nexec "{program}" "$@"\n')
        launcher.chmod(0o755)
