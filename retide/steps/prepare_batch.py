"""Prepare batch: read the files that are to be predicted, and lay their rows out as the model is asked them."""

from __future__ import annotations

import csv
import gzip
import io
import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from retide.domain.batch import (
    LARGEST_FILE,
    LARGEST_ROW,
    SUFFIXES,
    Outcome,
    Places,
    Prepared,
    Rows,
    Trouble,
    is_readable,
    job_name,
)
from retide.domain.codec import parse, serialise
from retide.domain.contract import Contract
from retide.domain.environment import endpoint_name
from retide.domain.ledger import BatchRecord
from retide.ledger import Ledger
from retide.ports import Clock, Endpoints, Objects

PART: Final = 32 * 2**20  # bytes of one file that the model is sent
AT_ONCE: Final = 128 * 2**20  # bytes of the batch's files that one call reads, and at least one file
FILES_AT_ONCE: Final = 200


@dataclass(frozen=True, slots=True)
class PrepareBatchRequest:
    model: str
    batch: str
    execution: str
    cursor: int


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """`cursor` is the number of files that are done; the rest is for the transform job."""

    outcome: Outcome
    reason: str
    cursor: int
    name: str = ""
    job: str = ""
    records_uri: str = ""
    answers_uri: str = ""


@dataclass(frozen=True, slots=True)
class BatchPreparation:
    """The ports that preparing works with, the model's contract and its stage."""

    ledger: Ledger
    objects: Objects
    endpoints: Endpoints
    clock: Clock
    contract: Contract
    stage: str


def prepare_batch(request: PrepareBatchRequest, parts: BatchPreparation) -> BatchPlan:
    """Repeated, it writes the same objects again."""
    places = Places(request.model, request.batch)
    refusal = _begin(request, parts)
    if refusal:
        return BatchPlan(Outcome.REFUSED, refusal, request.cursor)
    names: list[str] = json.loads(parts.objects.get(places.files))
    cursor, read = request.cursor, 0
    while cursor < len(names) and read < AT_ONCE and cursor - request.cursor < FILES_AT_ONCE:
        read += _prepare(cursor, names[cursor], places, parts)
        cursor += 1
    if cursor < len(names):
        return BatchPlan(Outcome.MORE, f"{cursor} of {len(names)} files are read", cursor)
    return _ready(request, cursor, places, parts)


def _begin(request: PrepareBatchRequest, parts: BatchPreparation) -> str:
    """Why there is no model to ask, or nothing."""
    stands = parts.ledger.endpoint(request.model)
    now = parts.clock.now().isoformat(timespec="milliseconds")
    record = BatchRecord(request.batch, stands.version, request.execution, now)
    began = parts.ledger.begin_batch(request.model, record)
    if not stands.version or not stands.config:
        return f"no version of {request.model} is served yet: there is nothing to predict with"
    if began.version != stands.version:
        return f"version {stands.version} took the place of version {began.version} meanwhile: start the batch again"
    return ""


def _ready(request: PrepareBatchRequest, cursor: int, places: Places, parts: BatchPreparation) -> BatchPlan:
    plan = BatchPlan(
        Outcome.READY,
        f"{cursor} files are read",
        cursor,
        name=parts.ledger.endpoint(request.model).config,
        job=job_name(parts.stage, request.model, request.batch),
        records_uri=parts.objects.uri(places.records),
        answers_uri=parts.objects.uri(places.answers),
    )
    if parts.endpoints.describe(endpoint_name(parts.stage, request.model)) is None:
        return replace(plan, outcome=Outcome.REFUSED, reason=f"the endpoint of {request.model} is gone, and its model")
    if not any(_prepared(parts.objects, places, number).parts for number in range(cursor)):
        return replace(plan, outcome=Outcome.REFUSED, reason="no file has a row that the model could be asked")
    return plan


def _prepared(objects: Objects, places: Places, number: int) -> Prepared:
    return parse(Prepared, json.loads(objects.get(places.prepared(number))))


def _prepare(number: int, name: str, places: Places, parts: BatchPreparation) -> int:
    """Bytes of the file, at least 1."""
    head = parts.objects.head(places.input(name))
    size = head.size if head else 0
    problem = _unreadable(name, size, there=head is not None)
    done = Prepared(name, problem=problem)
    if not problem:
        try:
            with tempfile.TemporaryDirectory() as folder:
                done = _Writer(number, name, places, parts, Path(folder)).write()
        except (UnicodeDecodeError, gzip.BadGzipFile, EOFError, csv.Error) as error:
            done = Prepared(name, problem=f"cannot be read: {error}; send UTF-8 text in one of {', '.join(SUFFIXES)}")
    parts.objects.put(places.prepared(number), json.dumps(serialise(done)).encode())
    return max(1, size)


def _unreadable(name: str, size: int, *, there: bool) -> str:
    if not there:
        return "is not there any more"
    if not is_readable(name):
        return f"has a format that a batch does not read: send one of {', '.join(SUFFIXES)}"
    if size > LARGEST_FILE:
        return f"has {size} bytes, and a batch reads files of at most {LARGEST_FILE}: split it"
    return "" if size else "is empty"


class _Writer:
    """Writes the rows of one file as parts, and those that cannot be asked as troubles."""

    def __init__(self, number: int, name: str, places: Places, parts: BatchPreparation, folder: Path) -> None:
        self._number, self._name, self._places, self._objects = number, name, places, parts.objects
        self._rows = Rows(parts.contract)
        self._file = folder / "part.jsonl"
        self._parts = self._count = self._bad = 0

    def write(self) -> Prepared:
        with self._text() as text:
            csv_file = ".csv" in self._name.lower()[-7:]
            header, rows = _table(text, self._rows) if csv_file else ((), _lines(text))
            if csv_file and self._rows.features.isdisjoint(header):
                said = ", ".join(header)[:200]
                return Prepared(self._name, problem=f"its first line names no feature of the model: {said}")
            troubles = list(self._asked(rows, texts=csv_file))
        if troubles:
            body = b"".join(json.dumps(serialise(trouble)).encode() + b"\n" for trouble in troubles)
            self._objects.put(self._places.bad_rows(self._name, -1), body)
        ignored = self._rows.ignored(header)
        return Prepared(self._name, self._count, len(troubles), self._parts, ignored=ignored)

    def _text(self) -> io.TextIOWrapper:
        stream: Any = self._objects.open(self._places.input(self._name))
        raw = gzip.GzipFile(fileobj=stream) if self._name.lower().endswith(".gz") else io.BufferedReader(_Raw(stream))
        return io.TextIOWrapper(raw, encoding="utf-8-sig", newline="")

    def _asked(self, rows: Iterator[Any], *, texts: bool) -> Iterator[Trouble]:
        """The rows that cannot be asked; all others are written."""
        out = self._file.open("wb")
        for row in rows:
            self._count += 1
            reason, value = _trouble(row)
            line = b"" if reason else self._rows.line(self._count, row, texts=texts)
            if reason or len(line) > LARGEST_ROW:
                yield Trouble(self._count, {}, None, value, reason or f"is larger than {LARGEST_ROW} bytes")
                continue
            out.write(line)
            if out.tell() > PART:
                out = self._upload(out)
        if out.tell():
            out = self._upload(out)
        out.close()

    def _upload(self, out: Any) -> Any:
        out.close()
        self._objects.upload(self._file, self._places.part(self._number, self._parts))
        self._parts += 1
        return self._file.open("wb")


class _Raw(io.RawIOBase):
    """S3's streams are read, and are no files: `csv` needs what reads a file."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data: bytes = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _table(text: io.TextIOWrapper, known: Rows) -> tuple[tuple[str, ...], Iterator[Any]]:
    """The header of a CSV, and its rows: mappings, or the text of what has another number of cells."""
    first = text.readline()
    sign = known.delimiter(first.rstrip("\r\n"))
    header = tuple(name.strip() for name in next(csv.reader([first], delimiter=sign), []))
    reader = csv.reader(text, delimiter=sign)

    def rows() -> Iterator[Any]:
        for cells in reader:
            if cells:
                yield dict(zip(header, cells, strict=True)) if len(cells) == len(header) else (cells, len(header))

    return header, rows()


def _lines(text: io.TextIOWrapper) -> Iterator[Any]:
    for line in text:
        if line.strip():
            try:
                yield json.loads(line)
            except (ValueError, RecursionError):
                yield (line.strip(), 0)


def _trouble(row: Any) -> tuple[str, Any]:
    """Why a row is none that can be asked, and what it says; nothing for one that can."""
    if isinstance(row, Mapping):
        return "", None
    if isinstance(row, tuple):
        said, width = row
        shown = ",".join(said) if width else said
        why = f"has {len(said)} cells, and the first line names {width}" if width else "is not JSON"
        return why, str(shown)[:200]
    return "must be an object", str(row)[:200]
