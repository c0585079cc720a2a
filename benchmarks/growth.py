"""Measure validation by the number of objects: the same rows in 1, 10, 100 and 1,000 files, on the deployed stacks.

    python -m benchmarks.growth [--rows 100000] [--objects 1 10 100 1000] [--json FILE]

The real stacks are deployed to a local cloud of their own. Each number of files is a batch of a model of its own, whose
contract wants more rows than there are, so that every run ends after the states that are measured. Functions are warm.
Memory is the peak of the largest process that ran a function.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import platform
import random
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import boto3
import psutil
from boto3.dynamodb.conditions import Key
from rich.console import Console
from rich.table import Table

from benchmarks.judging.report import exponent
from retide.demo.workcopy import copy_project
from retide.local.cloud import LocalCloud, Running

ROOT: Final = Path(__file__).parents[1]
IMAGES: Final = {"sagemaker-scikit-learn:1.9-0-cpu-py3": ROOT / ".venv-jobs" / "bin" / "python"}
STATES: Final = ("Claim", "Validate", "Validate many", "Freeze")
STACKS: Final = ("data", "retraining")
PATIENCE_SECONDS: Final = 900.0
AT_ONCE: Final = 10  # objects that are judged at once: so many processes are warm before anything is measured
CONTRACT: Final = """task: regression
target: price
id: [row]
columns:
  row: {type: integer}
  area: {type: float, min: 0}
  rooms: {type: integer, min: 0, max: 20}
  town: {type: category, values: [north, south, east, west]}
  built: {type: integer, min: 1800, max: 2100}
  price: {type: float}
metric: {name: rmse}
policy: {min_rows: 1000000000}
"""


@dataclass(frozen=True, slots=True)
class Measured:
    """One number of files: seconds of each state, MiB of the largest function's process."""

    objects: int
    seconds: Mapping[str, float]
    peak_mib: float

    @property
    def validation(self) -> float:
        return self.seconds.get("Validate", 0.0) + self.seconds.get("Validate many", 0.0)


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory() as folder, _stage(Path(folder), options.objects) as stage:
        stage.send("warm", AT_ONCE, rows=1000)
        measured = [stage.measure(count, options.rows) for count in options.objects]
    _print(measured, options.rows)
    if options.json:
        options.json.write_text(json.dumps([asdict(one) for one in measured], indent=2))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000, help="rows of all files together")
    parser.add_argument("--objects", type=int, nargs="+", default=[1, 10, 100, 1000], help="numbers of files")
    parser.add_argument("--json", type=Path, help="where to write every single figure")
    return parser.parse_args()


@contextmanager
def _stage(folder: Path, counts: Sequence[int]) -> Iterator[Stage]:
    """A local cloud with the stacks deployed to it, and a model for each number of files."""
    copy_project(ROOT, folder / "project")
    for name in ("warm", *map(_model, counts)):
        model = folder / "project/training/models" / name
        model.mkdir()
        (model / "contract.yaml").write_text(CONTRACT)
    cloud = LocalCloud(folder / "cloud", IMAGES, bound=True)
    running = cloud.start()
    try:
        _cdk(folder, running, "bootstrap", f"aws://{running.account}/{running.region}", "--app", "")
        _cdk(folder, running, "deploy", *(f"retide-dev-{name}" for name in STACKS), "--require-approval", "never")
        yield Stage(running)
    finally:
        cloud.stop()


def _model(count: int) -> str:
    return f"houses{count}"


def _cdk(folder: Path, running: Running, *words: str) -> None:
    command = [str(ROOT / "node_modules" / ".bin" / "cdk"), *words]
    told = os.environ | running.environment()
    done = subprocess.run(command, cwd=folder / "project", env=told, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")


class Stage:
    """The deployed stacks, seen from outside through plain clients."""

    def __init__(self, running: Running) -> None:
        keys = running.environment()
        session = boto3.Session(keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"], None, running.region)
        stacks = session.client("cloudformation", endpoint_url=running.endpoint_url).describe_stacks()["Stacks"]
        outputs = {out["OutputKey"]: out["OutputValue"] for stack in stacks for out in stack.get("Outputs", [])}
        self._s3 = session.client("s3", endpoint_url=running.endpoint_url)
        self._bucket = outputs["DataBucket"]
        self._table = session.resource("dynamodb", endpoint_url=running.endpoint_url).Table(outputs["LedgerTable"])

    def measure(self, count: int, rows: int) -> Measured:
        """Send one batch of so many files, and read its run's record."""
        run, peak = self.send(_model(count), count, rows)
        return Measured(count, _seconds(run["steps"]), peak)

    def send(self, model: str, count: int, rows: int) -> tuple[Mapping[str, Any], float]:
        """The run of one batch as it ended, and the peak of memory meanwhile."""
        files = {f"{number:05}.csv": body for number, body in enumerate(_files(rows, count))}
        manifest = {"files": [{"name": name, "size": len(body)} for name, body in files.items()]}
        for name, body in {**files, "manifest.json": json.dumps(manifest).encode()}.items():
            self._s3.put_object(Bucket=self._bucket, Key=f"incoming/{model}/batch/{name}", Body=body)
        peak, deadline = 0.0, time.perf_counter() + PATIENCE_SECONDS
        while (run := self._run(model)) is None:
            peak = max(peak, _largest_worker())
            if time.perf_counter() > deadline:
                raise SystemExit(f"{count} files were not validated within {PATIENCE_SECONDS:g} seconds")
            time.sleep(0.2)
        if run["outcome"] != "insufficient" or int(run["rows"]) != rows:
            raise SystemExit(f"{count} files: the run ended {run['outcome']} with {run['rows']} rows: {run['reasons']}")
        return run, max(peak, _largest_worker())

    def _run(self, model: str) -> Mapping[str, Any] | None:
        """The batch's run, once it has ended."""
        key = Key("pk").eq(f"model#{model}") & Key("sk").begins_with("run#")
        found = self._table.query(KeyConditionExpression=key, ConsistentRead=True)["Items"]
        return next((item for item in found if item["state"] == "ended"), None)


def _files(rows: int, count: int) -> Iterator[bytes]:
    """So many CSV files with equal shares of the rows, the same rows however many files there are."""
    chance = random.Random(1)
    for number in range(count):
        first, last = rows * number // count, rows * (number + 1) // count
        yield _table(first, last, chance)


def _table(first: int, last: int, chance: random.Random) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["row", "area", "rooms", "town", "built", "price"])
    for row in range(first, last):
        area, rooms = chance.uniform(20, 400), chance.randrange(1, 12)
        town = chance.choice(["north", "south", "east", "west"])
        writer.writerow([row, f"{area:.2f}", rooms, town, chance.randrange(1850, 2026), f"{area * 3000:.2f}"])
    return text.getvalue().encode()


def _seconds(steps: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Of the states that are measured; inside a Map the states of its items run side by side and are left out."""
    return {step["name"]: float(step["seconds"]) for step in steps if step["name"] in STATES}


def _largest_worker() -> float:
    """The largest resident memory of the processes that this one has started, in MiB."""
    peaks = []
    for process in psutil.Process().children(recursive=True):
        try:
            peaks.append(process.memory_info().rss / 2**20 if "worker" in " ".join(process.cmdline()) else 0.0)
        except psutil.Error:
            continue  # it has ended meanwhile
    return max(peaks, default=0.0)


def _print(measured: Sequence[Measured], rows: int) -> None:
    console = Console()
    machine = f"{os.cpu_count()} cores, {platform.platform()}, Python {platform.python_version()}"
    console.print(f"{rows} rows in all, {machine}")
    table = Table("objects", *(f"{state}, s" for state in STATES), "seconds an object", "peak, MiB")
    for one in measured:
        cells = [f"{one.seconds[state]:.2f}" if state in one.seconds else "" for state in STATES]
        table.add_row(str(one.objects), *cells, f"{one.validation / one.objects:.3f}", f"{one.peak_mib:.0f}")
    console.print(table)
    if len(measured) > 1:
        time_grows = exponent([(one.objects, one.validation) for one in measured])
        memory_grows = exponent([(one.objects, one.peak_mib) for one in measured])
        console.print(f"validation takes objects^{time_grows:.2f} seconds and objects^{memory_grows:.2f} MiB")


if __name__ == "__main__":
    main()
