"""Time contestants, each in a cold process, one after the other in turns, so that a busy machine is busy for all."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.judging.contestant import Found, Task
from benchmarks.judging.environments import Home
from benchmarks.judging.field import Contestant

ROOT: Final = Path(__file__).parents[2]
PATIENCE_SECONDS: Final = 900
MIB: Final = 2**20


@dataclass(frozen=True, slots=True)
class Figures:
    """One cold process: seconds of its work, of its imports, of all of it, of all its threads at work; peak memory."""

    work: float
    imports: float
    process: float
    cpu: float
    rss_mib: float
    found: Found


@dataclass(frozen=True, slots=True)
class Failed:
    """A process that gave no answer, and its last words."""

    words: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A contestant, and where it runs."""

    contestant: Contestant
    home: Home


type Outcome = Figures | Failed


def race(entries: Iterable[Entry], task: Mapping[str, Task], repeats: int) -> Iterator[tuple[str, Outcome]]:
    """The outcomes by contestant's name, in turns; who fails is not asked again. `task` is by contestant's name."""
    running = {entry.contestant.name: entry for entry in entries}
    for _ in range(repeats):
        for name, entry in list(running.items()):
            outcome = once(entry, task[name])
            yield name, outcome
            if isinstance(outcome, Failed):
                del running[name]


def prepare(entry: Entry, task: Task) -> None:
    """What a contestant makes of the reference; raises RuntimeError where it cannot."""
    outcome = _process(entry, task, "prepare")
    if isinstance(outcome, Failed):
        raise RuntimeError(outcome.words)


def once(entry: Entry, task: Task) -> Outcome:
    """One cold process; what it left in its scratch folder goes away."""
    outcome = _process(entry, task)
    for left in task.scratch.glob("kept*"):
        left.unlink()
    return outcome if isinstance(outcome, Failed) else _figures(*outcome)


def median(outcomes: list[Figures]) -> Figures:
    """Each figure's own median; what was found is the same in all."""
    middle = {
        name: statistics.median(getattr(one, name) for one in outcomes)
        for name in ("work", "imports", "process", "cpu", "rss_mib")
    }
    return Figures(**middle, found=outcomes[0].found)


def _process(entry: Entry, task: Task, *words: str) -> Failed | tuple[str, float, Any]:
    """Standard output, seconds and resources of a process; of this process alone, which has made no data itself."""
    written = task.scratch / "task.json"
    written.write_text(task.to_json())
    module = ("-m", "benchmarks.judging.contestant", entry.contestant.module)
    command = (str(entry.home.python), *module, str(written), *words)
    with (task.scratch / "out").open("w+") as out, (task.scratch / "err").open("w+") as err:
        began = time.perf_counter()
        process = subprocess.Popen(command, cwd=ROOT, env=_environment(task.scratch), stdout=out, stderr=err)
        deadline = threading.Timer(PATIENCE_SECONDS, process.kill)
        deadline.start()
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        deadline.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        for file in (out, err):
            file.seek(0)
        if process.returncode:
            return Failed(_last_words(err.read()) or f"ended with {process.returncode} after {seconds:.0f} s")
        return out.read(), seconds, used


def _environment(scratch: Path) -> dict[str, str]:
    """That of this process, without what would speak to somebody's server or count its CPU otherwise."""
    quiet = {"DO_NOT_TRACK": "1", "GX_ANALYTICS_ENABLED": "false", "WHYLOGS_NO_ANALYTICS": "True"}
    return {**os.environ, **quiet, "TF_CPP_MIN_LOG_LEVEL": "3", "TMPDIR": str(scratch)}


def _figures(printed: str, seconds: float, used: Any) -> Figures:
    answer = json.loads(printed.splitlines()[-1])
    peak = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / MIB
    return Figures(answer["work"], answer["imports"], seconds, answer["cpu"], peak, answer["found"])


def _last_words(errors: str) -> str:
    lines = [line for line in errors.splitlines() if line.strip()]
    return lines[-1][:300] if lines else ""
