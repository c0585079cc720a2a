"""Copies a finished job's log to CloudWatch Logs, and reads metrics out of it."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import batched
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from retide.local.interfaces import Json

logger = logging.getLogger("retide.local.sagemaker")
MAX_LINE: Final = 200_000  # an event holds 256 KiB
LINES_PER_CALL: Final = 4  # times MAX_LINE stays under the 1 MiB of one PutLogEvents
SHORT_LINE: Final = 1_000


class JobLogs:
    """`client` is boto3's for CloudWatch Logs."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def publish(self, group: str, stream: str, file: Path) -> None:
        """Write the file's lines to a new stream. A failure is logged: a job does not fail for its log."""
        try:
            self._create(group, stream)
            for events in _batches(file):
                self._client.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)
        except (ClientError, BotoCoreError) as error:
            logger.warning("the log of %s could not be written to %s: %s", stream, group, error)

    def _create(self, group: str, stream: str) -> None:
        try:
            self._client.create_log_stream(logGroupName=group, logStreamName=stream)
        except self._client.exceptions.ResourceNotFoundException:
            self._client.create_log_group(logGroupName=group)
            self._client.create_log_stream(logGroupName=group, logStreamName=stream)


def final_metrics(definitions: list[Mapping[str, str]], file: Path, at: datetime) -> list[Json]:
    """The last value that each metric's regular expression finds in the log."""
    text = file.read_text(encoding="utf-8", errors="replace") if definitions else ""
    return [
        {"MetricName": definition["Name"], "Value": value, "Timestamp": at}
        for definition in definitions
        if (value := _last_number(definition["Regex"], text)) is not None
    ]


def _last_number(regex: str, text: str) -> float | None:
    found = None
    for match in re.finditer(regex, text):
        found = _number(match.group(1)) if match.re.groups else None
    return found


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _batches(file: Path) -> Iterator[list[Json]]:
    now = int(time.time() * 1000)  # the real time: CloudWatch refuses events that are too old or too new
    with file.open(encoding="utf-8", errors="replace") as lines:
        events = ({"timestamp": now, "message": line.rstrip("\n")[:MAX_LINE]} for line in lines if line.strip())
        for batch in batched(events, 1000):
            if all(len(event["message"]) <= SHORT_LINE for event in batch):  # type: ignore[arg-type]
                yield list(batch)
            else:
                yield from (list(few) for few in batched(batch, LINES_PER_CALL))
