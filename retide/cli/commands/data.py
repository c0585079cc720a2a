"""Commands that send something: `push` a batch of rows, `predict` with the served model."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from botocore.exceptions import ClientError

from retide.aws.clients import code, detail, message
from retide.cli import files
from retide.cli.failures import CliError, UsageProblem
from retide.cli.following import follow
from retide.cli.options import DEV, ModelName, StageName, TargetName, open_stage
from retide.cli.output import out
from retide.cli.stage import MANUAL, Stage
from retide.cli.story import look
from retide.cli.verdicts import told
from retide.domain.layout import INCOMING, ObjectVersion
from retide.domain.ledger import ObjectState

PAYLOAD: Final = 4 * 1024**2
"""What a serverless endpoint takes in one request, in bytes."""


def push(
    file: Annotated[Path, typer.Argument(help="A CSV (also gzipped) or Parquet file.")],
    model: ModelName,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Follow what comes of it until nothing moves.")] = False,
    stage: StageName = DEV,
    target: TargetName = None,
) -> None:
    """Put a file of rows into the bucket: that is all it takes to start a retrain."""
    files.check(file)
    opened = open_stage(stage, target)
    opened.model(model)
    since = datetime.now(UTC)
    sent = send(opened, model, file)
    out().print(f"put s3://{opened.bucket}/{sent.key} (version {sent.version})", markup=False, soft_wrap=True)
    if watch:
        follow(opened, (model,), since, also=lambda: _has_ended(opened, model, sent))
        _tell_its_end(opened, model, sent)
    else:
        out().print(f"follow it with `retide watch --model {model}`", style="dim")


def send(stage: Stage, model: str, file: Path) -> ObjectVersion:
    """An ordinary PutObject under `incoming/<model>/`; the same name again is a new version."""
    key = f"{INCOMING}{model}/{file.name}"
    with file.open("rb") as body:
        answer = stage.clients.s3.put_object(Bucket=stage.bucket, Key=key, Body=body)
    sent = ObjectVersion(key, answer.get("VersionId", "null"))
    if stage.outputs.get("Level") == MANUAL:
        stage.queue.send(created_message(stage.bucket, sent, stage.account, time.time_ns()))
    return sent


def created_message(bucket: str, sent: ObjectVersion, account: str, at_ns: int) -> dict[str, Any]:
    """What EventBridge would say of the object; at level 0 no rule does, so whoever sends a file says it.

    The sequencer is made as S3 makes its own, from seconds and a fraction, so that either kind can follow the other.
    """
    seconds, rest = divmod(at_ns, 10**9)
    item = {"key": sent.key, "version-id": sent.version, "sequencer": f"00{seconds:08X}{rest:08X}"}
    detail = {"bucket": {"name": bucket}, "object": item}
    return {"source": "aws.s3", "detail-type": "Object Created", "account": account, "detail": detail}


def _has_ended(stage: Stage, model: str, sent: ObjectVersion) -> bool:
    record = stage.ledger.object(model, sent.id)
    return record is not None and record.state.terminal


def _tell_its_end(stage: Stage, model: str, sent: ObjectVersion) -> None:
    """What became of the file; raises CliError when it was refused."""
    record = stage.ledger.object(model, sent.id)
    if record is None:
        return
    out().print(*told(look(record, stage.objects)), sep="\n")
    if record.state is ObjectState.QUARANTINED:
        raise CliError(f"{sent.key} was refused, for the reasons above; it is kept in quarantine")


def predict(
    model: ModelName,
    file: Annotated[Path | None, typer.Option("--file", "-f", help="Rows: CSV with a header, or JSON.")] = None,
    text: Annotated[str | None, typer.Option("--json", "-j", help="One record as JSON, or `-` for stdin.")] = None,
    stage: StageName = DEV,
    target: TargetName = None,
) -> None:
    """Ask the served model: one line of JSON for each row."""
    body, content_type = _request(file, text)
    opened = open_stage(stage, target)
    opened.model(model)
    answer = invoke(opened, model, body, content_type)
    for prediction in answer["predictions"]:
        typer.echo(json.dumps(prediction, ensure_ascii=False))


def invoke(stage: Stage, model: str, body: bytes, content_type: str = "application/json") -> dict[str, Any]:
    """The endpoint's answer; raises CliError with the model's own reason where it refuses."""
    name = stage.endpoint(model)
    try:
        answer = stage.clients.sagemaker_runtime.invoke_endpoint(
            EndpointName=name, Body=body, ContentType=content_type, Accept="application/json"
        )
    except ClientError as error:
        raise _refused(error, name, model) from None
    read: dict[str, Any] = json.loads(answer["Body"].read())
    return read


def _refused(error: ClientError, name: str, model: str) -> Exception:
    said = detail(error, "OriginalMessage") or message(error)
    if code(error) == "ModelError":
        return CliError(f"the model refuses: {'; '.join(_reasons(said))}")
    if code(error) in {"ValidationError", "ValidationException"} and "not find" in said.replace(
        "not found", "not find"
    ):
        return CliError(
            f"endpoint {name} is not there yet: push data for {model}, or see with `retide status` what waits"
        )
    return error


def _reasons(said: str) -> Iterator[str]:
    """The words in a refusal: {"error": {"field", "value", "reason"}}, or whatever else was said."""
    try:
        problem = json.loads(said)["error"]
    except (ValueError, KeyError, TypeError):
        yield " ".join(said.split())[:500]
        return
    value = f" = {problem['value']!r}" if problem.get("value") is not None else ""
    yield f"{problem['field']}{value}: {problem['reason']}" if problem.get("field") else problem["reason"]


def _request(file: Path | None, text: str | None) -> tuple[bytes, str]:
    if (file is None) == (text is None):
        raise UsageProblem("give the rows either with --file or with --json (see `retide predict --help`)")
    body, content_type = _from_file(file) if file else (_from_text(text or ""), "application/json")
    if len(body) > PAYLOAD:
        raise CliError(
            f"the rows have {len(body) / 1024**2:.1f} MiB, an endpoint takes 4 in one request: send fewer rows"
        )
    return body, content_type


def _from_text(text: str) -> bytes:
    text = sys.stdin.read() if text == "-" else text
    try:
        json.loads(text)
    except ValueError as error:
        raise UsageProblem(f"--json is not JSON: {error}") from None
    return text.encode()


def _from_file(file: Path) -> tuple[bytes, str]:
    if not file.is_file():
        raise CliError(f"{file} is a folder: give one file" if file.is_dir() else f"there is no file {file}")
    body = file.read_bytes()
    if not body.strip():
        raise CliError(f"{file} is empty: there is nothing to predict")
    if body.startswith(b"PAR1"):
        raise CliError(f"{file} is Parquet: an endpoint takes CSV or JSON")
    if body.lstrip().startswith((b"{", b"[")):
        return _from_text(body.decode("utf-8", "replace")), "application/json"
    files.check(file)
    return body, "text/csv"
