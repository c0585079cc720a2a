"""The note that a running local cloud leaves in its home: how to reach it, and how to tell it from a dead one."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import psutil

from retide.local.interfaces import HOST
from retide.local.processes import born, lives


@dataclass(frozen=True, slots=True)
class State:
    """`born` is the server's start as `processes.born` has it: a reused process id has another."""

    pid: int
    port: int
    born: float
    reaper: int

    @classmethod
    def of_this_process(cls, port: int, reaper: int) -> Self:
        pid = os.getpid()
        return cls(pid, port, born(psutil.Process(pid)), reaper)

    @classmethod
    def read(cls, home: Path) -> Self | None:
        """The note, when its server still lives."""
        state = cls._noted(home)
        return state if state and state.is_alive() else None

    @classmethod
    def is_left_behind(cls, home: Path) -> bool:
        """Whether there is a note whose server is gone: it was killed, or the machine went down."""
        state = cls._noted(home)
        return state is not None and not state.is_alive()

    @classmethod
    def _noted(cls, home: Path) -> Self | None:
        """What was written, by a server that may be dead; a broken note is removed."""
        try:
            return cls(**json.loads(_path(home).read_text()))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (ValueError, TypeError):
            cls.remove(home)
            return None

    @staticmethod
    def remove(home: Path) -> None:
        _path(home).unlink(missing_ok=True)

    def write(self, home: Path) -> None:
        temporary = _path(home).with_suffix(".new")
        temporary.write_text(json.dumps(asdict(self)))
        temporary.replace(_path(home))

    def is_alive(self) -> bool:
        try:
            process = psutil.Process(self.pid)
            return abs(born(process) - self.born) < 1 and lives(process)
        except psutil.NoSuchProcess:
            return False

    @property
    def endpoint_url(self) -> str:
        return f"http://{HOST}:{self.port}"


def _path(home: Path) -> Path:
    return home / "cloud.json"
