"""Command `batch`: predict any number of files with the served model, and say what became of every row."""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Final

import typer

from retide.cli.failures import CliError
from retide.cli.options import DEV, ModelName, StageName, TargetName, open_stage
from retide.cli.output import Progress, counted, out, plain
from retide.cli.stage import Stage
from retide.cli.target import Kind
from retide.domain.batch import SUFFIXES, Places, is_readable
from retide.domain.ledger import BatchRecord

S3: Final = "s3://"
SHOWN: Final = 5
PAUSE: Final = 10.0  # seconds between two looks
NEARBY: Final = 0.2  # where the cloud is this machine
PART: Final = re.compile(r"\.[0-9]{4}$")  # of a file's rows, behind its name
SAVED: Final = ("predictions/", "bad_rows/", "report.json")
NOTHING_YET: Final = {"cursor": 0}
NOTHING_COUNTED: Final = {"tally": {"files": 0, "refused": 0, "rows": 0, "predicted": 0, "bad": 0}}


def batch(
    source: Annotated[str, typer.Argument(metavar="INPUT", help="A file, a folder, or s3://bucket/prefix.")],
    model: ModelName,
    into: Annotated[str, typer.Option("--out", "-o", help="A folder, or s3://bucket/prefix.")],
    stage: StageName = DEV,
    target: TargetName = None,
) -> None:
    """Predict every row of any number of files (CSV or JSON Lines, also gzipped); bad rows are told, not dropped."""
    opened = open_stage(stage, target)
    stands = opened.ledger.endpoint(opened.model(model))
    if not stands.version:
        raise CliError(f"no version of {model} is served yet: push data for it, or see with `retide status` what waits")
    files = tuple(found(opened, source))
    places = Places(model, f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}")
    with Progress(out()).running() as shown:
        shown.doing(f"sending {counted(len(files), 'file')}")
        send(opened, files, places)
        execution = start(opened, places)
        out().print(f"batch {places.batch}: {counted(len(files), 'file')} for version {stands.version} of {model}")
        shown.doing("predicting")
        status = ended(opened, execution)
        saved = save(opened, places, into)
    for line in told(opened, places, into, saved):
        out().print(line, markup=False, soft_wrap=True)
    record = opened.ledger.batch_record(model, places.batch)
    if status != "SUCCEEDED":
        raise CliError(f"the batch ended as {record.outcome or status}: {record.reason}" if record else status)


@dataclass(frozen=True, slots=True)
class Source:
    """One file of a batch: its name in it, and where it is."""

    name: str
    path: Path | None = None
    bucket: str = ""
    key: str = ""


def found(stage: Stage, source: str) -> Iterator[Source]:
    """The files that a batch can read; raises CliError where there are none."""
    listed = list(_on_s3(stage, source) if source.startswith(S3) else _here(Path(source)))
    readable = [one for one in listed if is_readable(one.name)]
    if not listed:
        raise CliError(f"there is no file in {source}")
    if not readable:
        raise CliError(f"no file of {source} has a format that a batch reads: send one of {', '.join(SUFFIXES)}")
    for one in listed:
        if one not in readable:
            out().print(f"{plain(one.name)} is left out: a batch reads {', '.join(SUFFIXES)}", markup=False)
    yield from readable


def _here(path: Path) -> Iterator[Source]:
    if not path.exists():
        raise CliError(f"there is no file {path}")
    if path.is_file():
        yield Source(path.name, path)
        return
    for file in sorted(path.rglob("*")):
        if file.is_file() and not file.name.startswith("."):
            yield Source(file.relative_to(path).as_posix(), file)


def _on_s3(stage: Stage, uri: str) -> Iterator[Source]:
    bucket, _, prefix = uri.removeprefix(S3).partition("/")
    folder = prefix if prefix.endswith("/") or not prefix else f"{prefix.rpartition('/')[0]}/".lstrip("/")
    for page in stage.clients.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for item in page.get("Contents", []):
            if not item["Key"].endswith("/"):
                yield Source(item["Key"].removeprefix(folder), None, bucket, item["Key"])


def send(stage: Stage, files: tuple[Source, ...], places: Places) -> None:
    """Bring the files beside each other under the batch's own prefix; their list comes last."""
    for file in files:
        key = places.input(file.name)
        if file.path is not None:
            stage.objects.upload(file.path, key)
        else:
            stage.clients.s3.copy({"Bucket": file.bucket, "Key": file.key}, stage.bucket, key)
    stage.objects.put(places.files, json.dumps([file.name for file in files]).encode())


def start(stage: Stage, places: Places) -> str:
    """The ARN of the execution that does the rest, whatever becomes of this process."""
    asked = {"model": places.model, "batch": places.batch, "plan": NOTHING_YET, "end": NOTHING_COUNTED}
    begun = stage.clients.states.start_execution(
        stateMachineArn=stage.output("BatchMachineArn"),
        name=f"{places.model}-{places.batch}",
        input=json.dumps(asked),
    )
    return begun["executionArn"]


def ended(stage: Stage, execution: str) -> str:
    pause = NEARBY if stage.target.kind is Kind.LOCAL or stage.target.nearby else PAUSE
    while (status := stage.clients.states.describe_execution(executionArn=execution)["status"]) == "RUNNING":
        time.sleep(pause)
    return status


def save(stage: Stage, places: Places, into: str) -> int:
    """Copy what came of the batch to where it is wanted; how many files that were."""
    keys = [key for name in SAVED for key in _keys(stage, f"{places.root}{name}")]
    for key in keys:
        name = key.removeprefix(places.root)
        if into.startswith(S3):
            bucket, _, prefix = into.removeprefix(S3).partition("/")
            wanted = str(PurePosixPath(prefix) / name) if prefix else name
            stage.clients.s3.copy({"Bucket": stage.bucket, "Key": key}, bucket, wanted)
        else:
            path = Path(into) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            stage.objects.download(key, None, path)
    return len(keys)


def _keys(stage: Stage, prefix: str) -> Iterator[str]:
    for page in stage.clients.s3.get_paginator("list_objects_v2").paginate(Bucket=stage.bucket, Prefix=prefix):
        yield from (item["Key"] for item in page.get("Contents", []))


def told(stage: Stage, places: Places, into: str, saved: int) -> Iterator[str]:
    """What a person wants to know first; the report has all of it."""
    record = stage.ledger.batch_record(places.model, places.batch)
    if record is None or not stage.objects.exists(places.report):
        return
    report = json.loads(stage.objects.get(places.report))
    for one in report["problems"]:
        said = one["problem"] or f"columns that the contract does not know are left out: {one['ignored_columns']}"
        yield f"{plain(one['file'])}: {plain(said)}"
    yield from _bad_rows(stage, places, record)
    yield record.reason
    if saved:
        yield f"{counted(saved, 'file')} under {into}: predictions/, bad_rows/ and report.json"


def _bad_rows(stage: Stage, places: Places, record: BatchRecord) -> Iterator[str]:
    shown = 0
    for key in _keys(stage, f"{places.root}bad_rows/") if record.bad else ():
        name = PART.sub("", key.removeprefix(f"{places.root}bad_rows/").removesuffix(".jsonl"))
        for line in stage.objects.get(key).splitlines()[: SHOWN - shown]:
            yield plain(f"{name}: {_in_words(json.loads(line))}")
            shown += 1
        if shown >= SHOWN:
            break
    if record.bad > shown:
        yield f"… and {counted(record.bad - shown, 'bad row')} more under bad_rows/"


def _in_words(trouble: dict[str, Any]) -> str:
    key = "".join(f" ({name} {value})" for name, value in trouble["key"].items())
    field = f" {trouble['field']} = {trouble['value']!r}:" if trouble["field"] else ""
    return f"row {trouble['row']}{key}:{field} {trouble['reason']}"
