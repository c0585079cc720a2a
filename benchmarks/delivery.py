"""Measure delivery on the local cloud: from `git push` to production, by stage of the pipeline.

    python -m benchmarks.delivery [--repeats 3] [--tests "tests/unit/domain"] [--json FILE]

A copy of the project becomes a git repository of its own; its pipeline is the deployed one, run by the local cloud,
with builds in clean clones. Every repeat pushes one changed handler and takes the times that CodePipeline itself gives.
The first delivery, which makes both stages, is told apart. Nobody is asked for approval, and production's alarms are
watched for no real time: the cloud's clock is moved on instead.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from retide.cli.delivery.checkout import Checkout
from retide.cli.delivery.history import History
from retide.cli.delivery.outcomes import Fate
from retide.cli.target import Target
from retide.demo.workcopy import SHARED
from retide.local.cloud import LocalCloud, Running

ROOT: Final = Path(__file__).parents[1]
IMAGES: Final = {"sagemaker-scikit-learn:1.9-0-cpu-py3": ROOT / ".venv-jobs" / "bin" / "python"}
CHANGED: Final = "functions/gate/handler.py"
COMMAND: Final = "from retide.cli import main; main()"
ALARM_SECONDS: Final = 61
LOG_LINES: Final = 40  # of the build that failed
WHOLE: Final = "push → deployed"
NOBODY: Final = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    **{f"GIT_{who}_{what}": "bench@localhost" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
}

type Seconds = dict[str, float]


@dataclass(frozen=True, slots=True)
class Project:
    """A copy of the project in a git repository of its own, and what its commands are run with."""

    root: Path
    environment: Mapping[str, str]

    def copy(self) -> None:
        """What git knows of this checkout, as it lies there; what `make setup` has made is linked."""
        listed = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        for name in filter(None, listed.stdout.split("\0")):
            if (ROOT / name).is_file():
                (self.root / name).parent.mkdir(parents=True, exist_ok=True)
                (self.root / name).write_bytes((ROOT / name).read_bytes())
                (self.root / name).chmod((ROOT / name).stat().st_mode)
        for name in (*SHARED, ".tools", ".mypy_cache"):
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            (self.root / name).symlink_to((ROOT / name).resolve())
        self.run("git", "init", "--quiet", "--initial-branch=main")
        self.commit("The project as it is")

    def commit(self, message: str) -> None:
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", "--message", message)

    def change(self, number: int) -> None:
        file = self.root / CHANGED
        file.write_text(f"{file.read_text()}\n\n# change {number} of the benchmark\n")  # as the formatter wants it
        self.commit(f"Change {number}")

    def run(self, *words: str) -> str:
        done = subprocess.run(words, cwd=self.root, env=self.environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{' '.join(words)} failed:\n{done.stdout}{done.stderr}")
        return done.stdout


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory() as folder, _cloud(Path(folder)) as running:
        first, repeats = _measure(Project(Path(folder) / "project", _environment(Path(folder))), running, options)
    _print(first, repeats, options.tests)
    if options.json:
        options.json.write_text(json.dumps({"first": first, "repeats": repeats}, indent=2))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3, help="how often to measure; the median is reported")
    parser.add_argument("--tests", default="tests/unit/domain", help="what Build runs of the tests; empty for all")
    parser.add_argument("--json", type=Path, help="where to write every single figure")
    return parser.parse_args()


@contextmanager
def _cloud(folder: Path) -> Iterator[Running]:
    cloud = LocalCloud(folder / "cloud", IMAGES, wait_scale=0.1, bound=True)
    try:
        yield cloud.start()
    finally:
        cloud.stop()


def _environment(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "RETIDE_"))}
    return {**kept, **NOBODY, "RETIDE_HOME": str(folder / "cloud")}


def _measure(project: Project, running: Running, options: argparse.Namespace) -> tuple[Seconds, list[Seconds]]:
    project.root.mkdir()
    project.copy()
    began = time.perf_counter()
    settings = {"approval": "no", "alarm_minutes": "1", "tests": options.tests}
    project.run(sys.executable, "-c", COMMAND, "remote", *(f"--set={name}={value}" for name, value in settings.items()))
    os.environ.update(running.environment())
    history = History(Checkout.at(project.root), Target("prod", running))
    first = _delivered(history, running, began)
    return first, [_push(project, history, running, number) for number in range(1, options.repeats + 1)]


def _push(project: Project, history: History, running: Running, number: int) -> Seconds:
    project.change(number)
    began = time.perf_counter()
    project.run("git", "push", "--quiet", "retide", "HEAD:main")
    return _delivered(history, running, began)


def _delivered(history: History, running: Running, began: float) -> Seconds:
    """Wait for the newest commit's end; the seconds of each stage, and of the whole way since `began`."""
    while not (told := history.show("HEAD")).fate.over:
        if told.fate is Fate.WATCHED:
            running.change_time(advance=ALARM_SECONDS)
        time.sleep(0.5)
    whole = time.perf_counter() - began
    if told.fate is not Fate.DEPLOYED:
        log = "\n".join(history.last_lines(told, LOG_LINES))
        raise SystemExit(f"the push did not reach production: {told.text}\n{log}")
    spent = {action.stage: (action.updated - action.started).total_seconds() for action in told.actions}
    return {**spent, WHOLE: whole}


def _print(first: Seconds, repeats: Sequence[Seconds], tests: str) -> None:
    console = Console()
    machine = f"{os.cpu_count()} cores, {platform.platform()}, Python {platform.python_version()}"
    console.print(f"{len(repeats)} repeats, tests of Build: {tests or 'all'}, {machine}")
    _print_seconds(console, "The first delivery: both stages are made", [first])
    if repeats:
        _print_seconds(console, "A changed handler, from push to production", repeats)


def _print_seconds(console: Console, title: str, measured: Sequence[Seconds]) -> None:
    table = Table("what", "median, s", "least, s", "most, s", "of the whole", title=title, title_justify="left")
    for name in measured[0]:
        values = [seconds[name] for seconds in measured]
        share = statistics.median(seconds[name] / seconds[WHOLE] for seconds in measured)
        spread = (statistics.median(values), min(values), max(values))
        table.add_row(name, *(f"{value:.1f}" for value in spread), f"{share:.0%}")
    console.print(table)


if __name__ == "__main__":
    main()
