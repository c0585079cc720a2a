"""Measure the loop on the local cloud: from nothing to a first prediction, and from PutObject to InService, by state.

    python -m benchmarks.loop [--repeats 3] [--rows 500] [--json FILE]

Every repeat starts a local cloud of its own, deploys with the real CDK CLI, and sends two files of real measurements:
the first finds cold functions and no endpoint, the second warm functions, a champion and an endpoint to update.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import boto3
from boto3.dynamodb.conditions import Key
from rich.console import Console
from rich.table import Table

from retide.demo.data import tumour_rows, write
from retide.local.cloud import LocalCloud, Running

ROOT: Final = Path(__file__).parents[1]
IMAGES: Final = {"sagemaker-scikit-learn:1.9-0-cpu-py3": ROOT / ".venv-jobs" / "bin" / "python"}
MODEL: Final = "tumour"
ENDPOINT: Final = f"retide-dev-{MODEL}"
STACKS: Final = ("data", "retraining", "serving")
PATIENCE_SECONDS: Final = 120.0
JOB_STATES: Final = ("Train", "Evaluate")
"""The states in which the user's own model works; everything else is the system's overhead."""

type Seconds = dict[str, float]


@dataclass(slots=True)
class Repeat:
    """One repeat: seconds of each stage of the start, of each state of both runs, and of both ways as a whole."""

    start: Seconds = field(default_factory=dict)
    first: Seconds = field(default_factory=dict)
    second: Seconds = field(default_factory=dict)


def main() -> None:
    options = _options()
    repeats = [_repeat(options.rows) for _ in range(options.repeats)]
    _print(repeats, options.rows)
    if options.json:
        options.json.write_text(json.dumps([_as_dict(repeat) for repeat in repeats], indent=2))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3, help="how often to measure; the median is reported")
    parser.add_argument("--rows", type=int, default=500, help="rows of the first file, at most 540")
    parser.add_argument("--json", type=Path, help="where to write every single figure")
    return parser.parse_args()


def _repeat(rows: int) -> Repeat:
    repeat = Repeat()
    with tempfile.TemporaryDirectory() as folder, _cloud(Path(folder), repeat) as running:
        with _timed(repeat.start, "bootstrap"):
            cdk(running, "bootstrap", f"aws://{running.account}/{running.region}", "--app", "")
        with _timed(repeat.start, "cdk deploy --all"):
            cdk(running, "deploy", "--all", "--require-approval", "never", "--output", f"{folder}/cdk.out")
        loop = Loop(running)
        real = tumour_rows()
        repeat.first = loop.measure(write(Path(folder) / "first.csv", real[:rows]), version=1)
        repeat.start["first file to prediction"] = repeat.first["PutObject → prediction"]
        repeat.second = loop.measure(write(Path(folder) / "second.csv", real[rows:]), version=2)
    repeat.start["all"] = sum(repeat.start.values())
    return repeat


@contextmanager
def _cloud(folder: Path, repeat: Repeat) -> Iterator[Running]:
    cloud = LocalCloud(folder / "cloud", IMAGES, bound=True)
    with _timed(repeat.start, "start the local cloud"):
        running = cloud.start()
    try:
        yield running
    finally:
        cloud.stop()


@contextmanager
def _timed(seconds: Seconds, name: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    seconds[name] = time.perf_counter() - started


def cdk(running: Running, *words: str) -> None:
    command = [str(ROOT / "node_modules" / ".bin" / "cdk"), *words]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | running.environment(), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")


class Loop:
    """The deployed loop, seen from outside through plain clients."""

    def __init__(self, running: Running) -> None:
        keys = running.environment()
        self._session = boto3.Session(keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"], None, running.region)
        self._url = running.endpoint_url
        outputs = self._outputs()
        self._bucket = outputs["DataBucket"]
        self._table = self._session.resource("dynamodb", endpoint_url=self._url).Table(outputs["LedgerTable"])

    def measure(self, path: Path, version: int) -> Seconds:
        """Send a file and take the time until its model is InService and has answered; then read the states' times."""
        seconds: Seconds = {}
        started = time.perf_counter()
        self._client("s3").put_object(Bucket=self._bucket, Key=f"incoming/{MODEL}/{path.name}", Body=path.read_bytes())
        _until(lambda: self._serves(version))
        seconds["PutObject → InService"] = time.perf_counter() - started
        self._predict()
        seconds["PutObject → prediction"] = time.perf_counter() - started
        _until(lambda: self._steps(f"release#{version:06}"))
        return {**seconds, **self._steps("run#"), **self._steps(f"release#{version:06}")}

    def _serves(self, version: int) -> bool:
        """Whether the endpoint is InService with this version's configuration, and not with an older one."""
        try:
            state = self._client("sagemaker").describe_endpoint(EndpointName=ENDPOINT)
        except self._client("sagemaker").exceptions.ClientError:
            return False
        return state["EndpointStatus"] == "InService" and f"-v{version}-" in f"{state['EndpointConfigName']}-"

    def _predict(self) -> None:
        record = {name: value for name, value in tumour_rows()[0].items() if name not in {"sample_id", "diagnosis"}}
        body = json.dumps({"records": [{name: _number(value) for name, value in record.items()}]})
        self._client("sagemaker-runtime").invoke_endpoint(
            EndpointName=ENDPOINT, ContentType="application/json", Body=body
        )

    def _steps(self, prefix: str) -> Seconds:
        """The states of the newest item with that prefix, in order; empty until its record is written."""
        condition = Key("pk").eq(f"model#{MODEL}") & Key("sk").begins_with(prefix)
        items = self._table.query(KeyConditionExpression=condition, ConsistentRead=True)["Items"]
        steps: Sequence[Mapping[str, Any]] = items[-1].get("steps", []) if items else []  # type: ignore[assignment]
        seconds: Seconds = {}
        for step in steps:
            if step.get("seconds") is not None:  # the step that writes the record cannot know its own end
                seconds[step["name"]] = seconds.get(step["name"], 0.0) + float(step["seconds"])
        return seconds

    def _outputs(self) -> dict[str, str]:
        described = [
            self._client("cloudformation").describe_stacks(StackName=f"retide-dev-{name}")["Stacks"][0]
            for name in STACKS
        ]
        return {out["OutputKey"]: out["OutputValue"] for stack in described for out in stack.get("Outputs", [])}

    def _client(self, service: str) -> Any:
        return self._session.client(service, endpoint_url=self._url)  # type: ignore[call-overload]


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _until(happened: Callable[[], object]) -> None:
    deadline = time.perf_counter() + PATIENCE_SECONDS
    while not happened():
        if time.perf_counter() > deadline:
            raise SystemExit("the loop did not come to its end in time: see the local cloud's log")
        time.sleep(0.05)


def _print(repeats: Sequence[Repeat], rows: int) -> None:
    console = Console()
    machine = f"{os.cpu_count()} cores, {platform.platform()}, Python {platform.python_version()}"
    console.print(f"{len(repeats)} repeats, {rows} rows, {machine}")
    _print_seconds(console, "From nothing to a first prediction", [repeat.start for repeat in repeats])
    _print_seconds(console, "First file: cold functions, no endpoint", [repeat.first for repeat in repeats])
    _print_seconds(
        console, "Second file: warm functions, a champion, an endpoint", [repeat.second for repeat in repeats]
    )


def _print_seconds(console: Console, title: str, measured: Sequence[Seconds]) -> None:
    table = Table("what", "median, s", "least, s", "most, s", title=title, title_justify="left")
    for name in measured[0]:
        table.add_row(name, *_spread([seconds.get(name, 0.0) for seconds in measured], ".2f"))
    if "Train" in measured[0]:
        table.add_section()
        table.add_row("whole way / the two jobs alone", *_spread([_ratio(seconds) for seconds in measured], ".2f"))
        table.add_row("the system's own share", *_spread([1 - 1 / _ratio(seconds) for seconds in measured], ".0%"))
    console.print(table)


def _spread(values: Sequence[float], form: str) -> tuple[str, str, str]:
    return format(statistics.median(values), form), format(min(values), form), format(max(values), form)


def _ratio(seconds: Seconds) -> float:
    """The way from PutObject to InService as a multiple of the states in which the model itself works."""
    return seconds["PutObject → InService"] / sum(seconds[state] for state in JOB_STATES)


def _as_dict(repeat: Repeat) -> dict[str, Seconds]:
    return {"start": repeat.start, "first": repeat.first, "second": repeat.second}


if __name__ == "__main__":
    main()
