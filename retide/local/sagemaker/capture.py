"""DataCaptureConfig: what went into a container and came out of it, as JSON lines in S3, in AWS's layout."""

from __future__ import annotations

import base64
import json
import logging
import queue
import random
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from retide.local.interfaces import Json, Settings
from retide.local.sagemaker.buckets import Buckets, Location, TransferFailed

logger = logging.getLogger("retide.local.sagemaker")
GATHERING_SECONDS: Final = 0.2  # of this machine: what comes within is one file
SAMPLE: Final = 100


@dataclass(frozen=True, slots=True)
class Exchange:
    """One invocation and what the container of one variant answered to it."""

    endpoint: str
    variant: str
    request: bytes
    request_headers: Mapping[str, str]
    answer: bytes
    answer_headers: Mapping[str, str]
    inference_id: str | None


class Capture:
    """Writes exchanges behind the callers' backs: an invocation never waits for it."""

    def __init__(self, settings: Settings, buckets: Buckets) -> None:
        self._clock = settings.clock
        self._buckets = buckets
        self._lines: queue.SimpleQueue[tuple[str, Json] | None] = queue.SimpleQueue()
        self._writer: threading.Thread | None = None
        self._lock = threading.Lock()

    def take(self, config: Json | None, exchange: Exchange) -> None:
        """Keep the exchange if the endpoint's configuration asks for it."""
        if config is None or not config.get("EnableCapture"):
            return
        if random.random() * SAMPLE >= config["InitialSamplingPercentage"]:
            return
        now = self._clock.now()
        prefix = f"{config['DestinationS3Uri'].rstrip('/')}/{exchange.endpoint}/{exchange.variant}/{now:%Y/%m/%d/%H}"
        self._start()
        self._lines.put((prefix, _line(config, exchange, now)))

    def close(self) -> None:
        """Nothing is written after this."""
        self._lines.put(None)

    def _start(self) -> None:
        with self._lock:
            if self._writer is None:
                self._writer = threading.Thread(target=self._write, name="retide-capture", daemon=True)
                self._writer.start()

    def _write(self) -> None:
        while (first := self._lines.get()) is not None:
            files = defaultdict(list, {first[0]: [first[1]]})
            time.sleep(GATHERING_SECONDS)
            for _ in range(self._lines.qsize()):
                if (item := self._lines.get()) is None:
                    return
                files[item[0]].append(item[1])
            for prefix, lines in files.items():
                self._put(prefix, lines)

    def _put(self, prefix: str, lines: Iterable[Json]) -> None:
        name = f"{self._clock.now():%M-%S-%f}"[:9] + f"-{uuid.uuid4()}.jsonl"
        body = "".join(f"{json.dumps(line)}\n" for line in lines)
        try:
            self._buckets.put(Location.parse(f"{prefix}/{name}"), body.encode())
        except TransferFailed as problem:
            logger.warning("captured data is lost: %s", problem)


def _line(config: Json, exchange: Exchange, now: datetime) -> Json:
    modes = {option["CaptureMode"] for option in config["CaptureOptions"]}
    captured: Json = {}
    if modes & {"Input", "InputAndOutput"}:
        captured["endpointInput"] = _side(config, "INPUT", exchange.request, exchange.request_headers)
    if modes & {"Output", "InputAndOutput"}:
        captured["endpointOutput"] = _side(config, "OUTPUT", exchange.answer, exchange.answer_headers)
    about: Json = {"eventId": str(uuid.uuid4()), "inferenceTime": f"{now:%Y-%m-%dT%H:%M:%SZ}"}
    attributes = exchange.request_headers.get("x-amzn-sagemaker-custom-attributes")
    if attributes is not None:
        about["customAttributes"] = [attributes]
    if exchange.inference_id is not None:
        about["inferenceId"] = exchange.inference_id
    return {"captureData": captured, "eventMetadata": about, "eventVersion": "0"}


def _side(config: Json, mode: str, body: bytes, headers: Mapping[str, str]) -> Json:
    kind = headers.get("content-type", "")
    encoding = _encoding(config.get("CaptureContentTypeHeader", {}), kind)
    data = base64.b64encode(body).decode() if encoding == "BASE64" else body.decode(errors="replace")
    return {"observedContentType": kind, "mode": mode, "data": data, "encoding": encoding}


def _encoding(header: Json, content_type: str) -> str:
    """What is not named as CSV or JSON is encoded as base64."""
    kind = content_type.partition(";")[0].strip().lower()
    for encoding, member in (("CSV", "CsvContentTypes"), ("JSON", "JsonContentTypes")):
        if kind in {name.lower() for name in header.get(member, ())}:
            return encoding
    return "BASE64"
