"""Captured requests and answers as a subscription delivers them from an endpoint's log, and where each belongs."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from retide.domain.environment import endpoint_name
from retide.domain.hosting import CAPTURES, VARIANT
from retide.domain.untrusted import UnknownMessage, mapping, shown, text

GROUPS: Final = "/aws/sagemaker/Endpoints/"
PATTERN: Final = "captureData"
"""What a subscription looks for: a word that is in each captured line."""
DATA: Final = "DATA_MESSAGE"


@dataclass(frozen=True, slots=True)
class LogEvent:
    """One line of a log, and when it was written."""

    at: datetime
    line: str


@dataclass(frozen=True, slots=True)
class LogDelivery:
    """Lines of one stream of one endpoint's log; none where CloudWatch only asks whether somebody is there."""

    endpoint: str
    variant: str
    stream: str
    events: tuple[LogEvent, ...]


def decode(raw_event: object) -> LogDelivery:
    """Read what CloudWatch Logs sends to a function; raises UnknownMessage."""
    try:
        packed = mapping(mapping(raw_event, "the event").get("awslogs"), "awslogs").get("data")
        said = mapping(json.loads(gzip.decompress(base64.b64decode(str(packed), validate=True))), "awslogs.data")
    except (ValueError, OSError, EOFError) as error:
        raise UnknownMessage(f"awslogs.data is no gzipped JSON in base64: {error}") from None
    group, stream = text(said, "logGroup", ""), text(said, "logStream", "")
    if not group.startswith(GROUPS):
        raise UnknownMessage(f"logGroup {shown(group)} is not that of an endpoint ({GROUPS}…)")
    variant = stream.partition("/")[0]
    known = variant if re.fullmatch(r"[A-Za-z0-9-]{1,63}", variant) else VARIANT
    events = tuple(_events(said)) if said.get("messageType") == DATA else ()
    return LogDelivery(group.removeprefix(GROUPS), known, stream, events)


def _events(said: Mapping[str, Any]) -> Iterator[LogEvent]:
    found = said.get("logEvents")
    if not isinstance(found, Sequence) or isinstance(found, str):
        raise UnknownMessage(f"logEvents must be a list, not {shown(found)}")
    for raw in found:
        event = mapping(raw, "logEvents[]")
        at, line = event.get("timestamp"), event.get("message")
        if isinstance(at, bool) or not isinstance(at, int) or not isinstance(line, str):
            raise UnknownMessage(f"an event of the log must have a timestamp in milliseconds and a text: {shown(raw)}")
        yield LogEvent(datetime.fromtimestamp(at / 1000, UTC), line)


def files(delivery: LogDelivery, stage: str) -> dict[str, bytes]:
    """The captured lines as files by their keys, an hour each, named as DataCapture names them.

    The same delivery has the same names, so that what is delivered again is not there twice. Raises UnknownMessage.
    """
    model = _model(delivery.endpoint, stage)
    hours: dict[str, list[LogEvent]] = {}
    for event in delivery.events:
        if is_captured(event.line):
            hours.setdefault(f"{event.at:%Y/%m/%d/%H}", []).append(event)
    where = f"{CAPTURES}{model}/{delivery.endpoint}/{delivery.variant}"
    return {f"{where}/{hour}/{_name(delivery, some)}": _body(some) for hour, some in hours.items()}


def is_captured(line: str) -> bool:
    """Whether a line is a record in the form of DataCapture, and not one that merely names it."""
    try:
        found = json.loads(line)
    except ValueError:
        return False
    return isinstance(found, Mapping) and found.get("eventVersion") == "0" and "captureData" in found


def _model(endpoint: str, stage: str) -> str:
    start = endpoint_name(stage, "")
    if not endpoint.startswith(start) or endpoint == start:
        raise UnknownMessage(f"endpoint {shown(endpoint)} is none of stage {stage}: its name begins with {start}")
    return endpoint.removeprefix(start)


def _name(delivery: LogDelivery, events: Sequence[LogEvent]) -> str:
    digest = hashlib.sha256(delivery.stream.encode())
    for event in events:
        digest.update(f"\0{event.at.isoformat()}\0{event.line}".encode())
    first = events[0].at
    return f"{first:%M-%S}-{first.microsecond // 1000:03d}-{digest.hexdigest()[:32]}.jsonl"


def _body(events: Sequence[LogEvent]) -> bytes:
    return "".join(f"{event.line}\n" for event in events).encode()
