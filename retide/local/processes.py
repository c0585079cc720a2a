"""Every process of one local cloud, found again whatever happened to the process that started it."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Final

import psutil

MARK: Final = "RETIDE_LOCAL_CLOUD"
"""Environment variable that holds the cloud's home in every process that belongs to it."""

ROUNDS: Final = 5
GRACE_SECONDS: Final = 5.0
GONE: Final = (psutil.NoSuchProcess, psutil.ZombieProcess)
Output = int | IO[bytes] | None


class Registry:
    """The processes that were started in sessions of their own: one small file each under the cloud's home."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._folder = home / "processes"

    def spawn(
        self, command: Sequence[str], *, environment: Mapping[str, str], folder: Path, stdout: Output, stderr: Output
    ) -> subprocess.Popen[bytes]:
        """Start a command with exactly this environment (and the cloud's mark), in a session of its own."""
        process = subprocess.Popen(
            command,
            env={**environment, MARK: str(self._home)},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )
        self._record(process.pid)
        return process

    def forget(self, pid: int) -> None:
        """Call this when a spawned process and its session have ended."""
        (self._folder / str(pid)).unlink(missing_ok=True)

    def sessions(self) -> set[int]:
        """The session ids that still stand for what was started: a reused process id does not count."""
        files = list(self._folder.iterdir()) if self._folder.is_dir() else []
        return {int(file.name) for file in files if _is_same(int(file.name), _read(file))}

    def clear(self) -> None:
        for file in list(self._folder.iterdir()) if self._folder.is_dir() else []:
            file.unlink(missing_ok=True)

    def _record(self, pid: int) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / str(pid)).write_text(_birth(pid))


def end_session(pid: int, registry: Registry) -> None:
    """Kill the session that `spawn` made for this process, grandchildren included."""
    _kill(_in_sessions({pid}))
    registry.forget(pid)


def session_lives(pid: int) -> bool:
    """Whether anything of the session that `spawn` made for this process still runs."""
    return bool(_in_sessions({pid}))


def end_carriers(variable: str, value: str, sessions: Iterable[int] = ()) -> None:
    """Kill the sessions, every process with this in its environment, and all that they have started."""
    for _ in range(ROUNDS):
        carriers = [process for process in psutil.process_iter() if _environment(process).get(variable) == value]
        started = [child for process in carriers for child in _children(process) if lives(child)]
        victims = [*_in_sessions(set(sessions)), *carriers, *started]
        if not victims:
            break
        _kill(victims)


def sweep(home: Path, spare: Iterable[int] = ()) -> int:
    """Kill every process of the cloud at `home` except those spared; says how many there were."""
    registry = Registry(home)
    spared = {os.getpid(), *spare}
    found = 0
    for _ in range(ROUNDS):  # again, because a victim may have started another process while it was being looked up
        victims = {victim.pid: victim for victim in _members(home, registry.sessions()) if victim.pid not in spared}
        if not victims:
            break
        found += len(victims)
        _kill(victims.values())
    registry.clear()
    return found


def _members(home: Path, sessions: set[int]) -> Iterator[psutil.Process]:
    yield from _in_sessions(sessions)
    for process in psutil.process_iter():
        if _mark(process) == str(home):
            yield process
            yield from _children(process)


def _in_sessions(sessions: set[int]) -> list[psutil.Process]:
    return [process for process in psutil.process_iter() if _session(process.pid) in sessions and lives(process)]


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return list(process.children(recursive=True))
    except GONE:
        return []


def _mark(process: psutil.Process) -> str | None:
    return _environment(process).get(MARK)


def _environment(process: psutil.Process) -> Mapping[str, str]:
    """Empty for a process that has ended, or is another user's: not ours in both cases."""
    try:
        return process.environ() if lives(process) else {}
    except (psutil.Error, OSError):
        return {}


def _session(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except OSError:
        return None


def _kill(processes: Iterable[psutil.Process]) -> None:
    victims = list(processes)
    for victim in victims:
        try:
            victim.kill()
        except GONE:
            continue
    deadline = time.monotonic() + GRACE_SECONDS
    while any(lives(victim) for victim in victims) and time.monotonic() < deadline:
        time.sleep(0.005)


def lives(process: psutil.Process) -> bool:
    """Whether it still runs: a zombie does not, and may stay for ever where nobody collects orphans."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except GONE:
        return False


def _read(file: Path) -> str | None:
    """None for a process that was forgotten in this very moment."""
    try:
        return file.read_text()
    except FileNotFoundError:
        return None


def is_living(pid: int) -> bool:
    try:
        return lives(psutil.Process(pid))
    except GONE:
        return False


def _is_same(pid: int, birth: str | None) -> bool:
    return _session(pid) == pid and _birth(pid) == birth


def born(process: psutil.Process) -> float:
    """When it began, in seconds: since boot on Linux, where a set clock moves all starts, else since the epoch."""
    return process.create_time() - (psutil.boot_time() if psutil.LINUX else 0)


def _birth(pid: int) -> str:
    """When the process began; empty for one that is gone."""
    try:
        return f"{born(psutil.Process(pid)):.2f}"
    except GONE:
        return ""
