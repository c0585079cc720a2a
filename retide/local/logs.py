"""Copies a growing log file to CloudWatch Logs."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import batched
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from retide.local.interfaces import Json

logger = logging.getLogger("retide.local")
MAX_LINE: Final = 256_000  # an event holds 256 KiB
LONG_LINES: Final = 4  # of at most MAX_LINE stay under the 1 MiB of one PutLogEvents
LINES: Final = 1_000  # of at most SHORT_LINE do
SHORT_LINE: Final = 1_000


class LogStream:
    """One stream. `client` is boto3's for CloudWatch Logs; the stream is made when there is a first line."""

    def __init__(
        self, client: Any, group: str, name: str, file: Path, redact: Callable[[str], str] = lambda line: line
    ) -> None:
        """`redact` gives what may be seen of a line."""
        self.file = file
        self._client = client
        self._stream = {"logGroupName": group, "logStreamName": name}
        self._redact = redact
        self._made = False
        self._position = 0

    def publish(self, *, ended: bool = False) -> None:
        """Add the lines that the file has gained. A failure is logged: what runs does not fail for its log."""
        try:
            for events in _batches(self._new_lines(ended=ended)):
                self._make()
                self._client.put_log_events(**self._stream, logEvents=events)
        except (ClientError, BotoCoreError) as error:
            logger.warning("the log %s could not be written: %s", self._stream, error)

    def _new_lines(self, *, ended: bool) -> Iterator[str]:
        """A line that is not finished waits for its end, or for the end of all."""
        if not self.file.exists():
            return
        with self.file.open("rb") as log:
            log.seek(self._position)
            for line in log:
                if not ended and not line.endswith(b"\n"):
                    return
                self._position += len(line)
                yield self._redact(line.decode(errors="replace").rstrip("\r\n"))

    def _make(self) -> None:
        if self._made:
            return
        with suppress(self._client.exceptions.ResourceAlreadyExistsException):
            self._client.create_log_group(logGroupName=self._stream["logGroupName"])
        with suppress(self._client.exceptions.ResourceAlreadyExistsException):
            self._client.create_log_stream(**self._stream)
        self._made = True


def _batches(lines: Iterable[str]) -> Iterator[list[Json]]:
    now = int(time.time() * 1000)  # the real time: CloudWatch refuses events that are too old or too new
    events = ({"timestamp": now, "message": line[:MAX_LINE]} for line in lines if line.strip())
    for batch in batched(events, LINES):
        if all(len(event["message"]) <= SHORT_LINE for event in batch):  # type: ignore[arg-type]
            yield list(batch)
        else:
            yield from (list(few) for few in batched(batch, LONG_LINES))


class HostLogs:
    """The streams of one job, one for each of its hosts; `file` is the first one's."""

    def __init__(self, streams: Iterable[LogStream]) -> None:
        self._streams = tuple(streams)
        self.files = tuple(stream.file for stream in self._streams)
        self.file = self.files[0]

    def publish(self, *, ended: bool = False) -> None:
        for stream in self._streams:
            stream.publish(ended=ended)
