"""From a file to the requests of a transform job, and from the answers to the file that is stored: line by line."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from retide.local.interfaces import Json
from retide.local.sagemaker.transform.paths import Path

MIB: Final = 1 << 20
OUTPUT: Final = "SageMakerOutput"
INPUT: Final = "SageMakerInput"


class BadRecord(Exception):
    """A record cannot be filtered, sent or joined; the message is the job's FailureReason."""


@dataclass(frozen=True, slots=True)
class Form:
    """How a job takes files apart and puts answers together."""

    split: bool
    single: bool
    limit: int
    csv: bool
    lines: bool
    before: Path
    after: Path
    joined: bool

    @classmethod
    def of(cls, request: Json, limit: int) -> Form:
        """`limit`: bytes of one request; 0: none."""
        source, target, processing = (
            request["TransformInput"],
            request["TransformOutput"],
            request.get("DataProcessing", {}),
        )
        return cls(
            split=source.get("SplitType", "None") == "Line",
            single=request.get("BatchStrategy", "MultiRecord") == "SingleRecord",
            limit=limit,
            csv=source.get("ContentType", "").partition(";")[0].strip().lower() == "text/csv",
            lines=target.get("AssembleWith", "None") == "Line",
            before=Path.parse(processing.get("InputFilter", "$")),
            after=Path.parse(processing.get("OutputFilter", "$")),
            joined=processing.get("JoinSource", "None") == "Input",
        )

    @property
    def looks_inside(self) -> bool:
        return bool(self.before.steps or self.after.steps or self.joined)


def requests(form: Form, content: bytes) -> Iterator[list[bytes]]:
    """The records of each request, in the order of the file. Raises BadRecord for one that is too large."""
    if not form.split:
        yield [_bounded(form, content)]
        return
    batch: list[bytes] = []
    size = 0
    for line in content.splitlines():
        if not line.strip():
            continue
        record = _bounded(form, line)
        if batch and (form.single or (form.limit and size + len(record) + 1 > form.limit)):
            yield batch
            batch, size = [], 0
        batch.append(record)
        size += len(record) + 1
    if batch:
        yield batch


def body(form: Form, records: Iterable[bytes]) -> bytes:
    """What the container is sent for these records."""
    shown = [_filtered(form, record) if form.before.steps else record for record in records]
    return b"\n".join(shown) + (b"\n" if form.split else b"")


def assembled(form: Form, records: list[bytes], answer: bytes) -> bytes:
    """What is stored for these records. Raises BadRecord where the answer has another number of records."""
    if form.looks_inside:
        answers = answer.splitlines() if form.split else [answer]
        if len(answers) != len(records):
            raise BadRecord(f"{len(records)} records were sent, and {len(answers)} came back: they cannot be joined")
        pairs = zip(records, answers, strict=True)
        return b"".join(_stored(form, record, each) + b"\n" for record, each in pairs)
    return answer if not form.lines or answer.endswith(b"\n") else answer + b"\n"


def _stored(form: Form, record: bytes, answer: bytes) -> bytes:
    value = _read(form, answer)
    if form.joined:
        value = _join(form, _read(form, record), value)
    return _write(form, _part(form.after, value))


def _join(form: Form, source: Any, answer: Any) -> Any:
    if form.csv:
        return [*source, *answer]
    return {**source, OUTPUT: answer} if isinstance(source, dict) else {INPUT: source, OUTPUT: answer}


def _filtered(form: Form, record: bytes) -> bytes:
    return _write(form, _part(form.before, _read(form, record)))


def _part(path: Path, value: Any) -> Any:
    try:
        return path.of(value)
    except (KeyError, IndexError, TypeError) as problem:
        raise BadRecord(f"a filter finds nothing in a record: {problem}") from problem


def _read(form: Form, record: bytes) -> Any:
    try:
        text = record.decode()
        return next(csv.reader([text])) if form.csv else json.loads(text)
    except (ValueError, StopIteration) as problem:
        raise BadRecord(f"a record is no {'CSV' if form.csv else 'JSON'}: {problem}") from problem


def _write(form: Form, value: Any) -> bytes:
    if not form.csv:
        return json.dumps(value, ensure_ascii=False).encode()
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(value if isinstance(value, list) else [value])
    return text.getvalue().encode()


def _bounded(form: Form, record: bytes) -> bytes:
    if form.limit and len(record) > form.limit:
        raise BadRecord(f"a record of {len(record)} bytes is larger than MaxPayloadInMB allows ({form.limit} bytes)")
    return record
