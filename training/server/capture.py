"""Keep requests with their answers in the form of SageMaker's DataCapture: one line each on standard output.

A serverless endpoint has no DataCapture, and its container may be frozen for ever once the answer is out. So a record
is handed to the operating system, in one write, before the answer is: no answer is out whose record is still in here.
"""

# Beside a model this package is called `server`, here `training.server`.
# ruff: noqa: TID252

from __future__ import annotations

import codecs
import csv
import fcntl
import io
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from .answers import Prediction, content_type, encode, written
from .bodies import Record
from .ids import fresh
from .manifest import Manifest
from .media import CSV, JSON, Form

LINE_BYTES: Final = 250_000  # an event of CloudWatch Logs holds 256 KiB, its own 26 bytes included
PIPE_BYTES: Final = 1 << 20  # as much as Linux gives without privileges: nobody waits for who reads the log
MASK: Final = "***"
SHARE: Final = "RETIDE_CAPTURE"


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request that was answered. `headers` say as text which model, which version and which request it was."""

    id: str
    about: str
    body: bytes
    content_type: str
    asked: Form
    records: Sequence[Record]
    predictions: Sequence[Prediction]
    answer: bytes
    answered: Form


class Capture:
    """Writes what `share` (0 to 1) of the exchanges were to `sink`, the values of sensitive columns masked."""

    def __init__(self, manifest: Manifest, share: float, sink: Sink, draw: random.Random | None = None) -> None:
        self._manifest, self._share, self._sink = manifest, share, sink
        self._draw = draw or random.Random()
        self._sensitive = frozenset(manifest.pii)

    @classmethod
    def from_environment(cls, manifest: Manifest, environment: Mapping[str, str]) -> Capture | None:
        """None where nothing is to be kept. Raises ValueError for a share that is none."""
        share = float(environment.get(SHARE, "0")) / 100
        if not 0 <= share <= 1:
            raise ValueError(f"{SHARE} must lie between 0 and 100 (percent), not {environment[SHARE]}")
        return cls(manifest, share, Sink.standard_output()) if share else None

    def keep(self, exchange: Exchange) -> None:
        if self._share < 1 and self._draw.random() >= self._share:
            return
        try:
            self._sink.write(self.lines(exchange))
        except OSError as error:  # the log is gone: that is no reason to answer nobody any more
            print(f"a request could not be captured: {error}", file=sys.stderr)

    def lines(self, exchange: Exchange) -> bytes:
        """One record; several of fewer rows each where one would be longer than a log's event."""
        line = self._whole(exchange)
        if len(line) <= LINE_BYTES:
            return line
        return b"".join(self._parts(exchange, 0, len(exchange.records)))

    def _whole(self, exchange: Exchange) -> bytes:
        if self._sensitive:
            asked = self._rewritten(exchange.records, exchange.asked)
        else:
            asked = exchange.body.removeprefix(codecs.BOM_UTF8).decode()
        return _record(exchange, (asked, exchange.content_type), exchange.answer.decode(), exchange.about)

    def _parts(self, exchange: Exchange, start: int, end: int) -> Iterator[bytes]:
        about = f"{exchange.about};rows={start}-{end - 1}"
        asked = self._rewritten(exchange.records[start:end], exchange.asked)
        answer = written(exchange.predictions[start:end], exchange.answered, {}, self._manifest).decode()
        line = _record(exchange, (asked, content_type(exchange.asked)), answer, about)
        if len(line) <= LINE_BYTES:
            yield line
        elif end - start == 1:
            yield _record(exchange, ("", content_type(exchange.asked)), answer, f"{about};omitted=input")
        else:
            middle = (start + end) // 2
            yield from self._parts(exchange, start, middle)
            yield from self._parts(exchange, middle, end)

    def _rewritten(self, records: Sequence[Record], form: Form) -> str:
        masked = [self._masked(record) for record in records]
        if form.type == JSON:
            return json.dumps({"records": masked})
        if form.type == CSV:
            return _csv(masked, header=form.header)
        return "".join(f"{json.dumps(record)}\n" for record in masked)

    def _masked(self, record: Record) -> Record:
        """That a value is missing may be seen, a value may not."""
        return {
            name: MASK if name in self._sensitive and value is not None else value for name, value in record.items()
        }


def _csv(records: Sequence[Record], *, header: bool) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if header:
        writer.writerow(records[0])
    writer.writerows(record.values() for record in records)
    return text.getvalue()


def _record(exchange: Exchange, asked: tuple[str, str], answer: str, about: str) -> bytes:
    """DataCapture's record, version 0, as one line of UTF-8."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return (
        '{"captureData":{"endpointInput":'
        + _side("INPUT", asked[0], asked[1], exchange.asked)
        + ',"endpointOutput":'
        + _side("OUTPUT", answer, content_type(exchange.answered), exchange.answered)
        + f'}},"eventMetadata":{{"eventId":"{fresh()}","inferenceId":{encode(exchange.id)},"customAttributes":'
        + f'[{encode(about)}],"inferenceTime":"{now}"}},"eventVersion":"0"}}\n'
    ).encode()


def _side(mode: str, data: str, kind: str, form: Form) -> str:
    encoding = "CSV" if form.type == CSV else "JSON"
    return f'{{"observedContentType":{encode(kind)},"mode":"{mode}","data":{encode(data)},"encoding":"{encoding}"}}'


class Sink:
    """A file descriptor that several workers write to: what is longer than a pipe takes at once is kept together."""

    def __init__(self, descriptor: int, lock: IO[bytes]) -> None:
        self._descriptor, self.lock = descriptor, lock
        with suppress(OSError):  # only a pipe can be widened
            fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, PIPE_BYTES)

    @classmethod
    def standard_output(cls) -> Sink:
        """The lock lies in the temporary folder, the only place where an endpoint may write, under one name for all."""
        name = Path(tempfile.gettempdir()) / f"retide-capture-{os.getppid()}.lock"
        return cls(1, name.open("wb"))

    def write(self, data: bytes) -> None:
        with self._alone():
            while data:
                data = data[os.write(self._descriptor, data) :]

    @contextmanager
    def _alone(self) -> Iterator[None]:
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self.lock, fcntl.LOCK_UN)
