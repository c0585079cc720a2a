"""What endpoints' containers write, copied to CloudWatch Logs by one thread for all of them."""

from __future__ import annotations

import threading
import uuid
from pathlib import Path
from typing import Any, Final

from retide.local.logs import LogStream

GROUP: Final = "/aws/sagemaker/Endpoints"
BETWEEN_LOOKS: Final = 0.5  # seconds of this machine


class EndpointLogs:
    """A container's stream is called after its variant, with a name of its own, as SageMaker calls it.

    `client` is boto3's for CloudWatch Logs.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._lock = threading.Lock()  # of the streams; publishing, which takes longer, has one of its own
        self._publishing = threading.Lock()
        self._streams: dict[Path, LogStream] = {}
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def follow(self, endpoint: str, variant: str, file: Path) -> None:
        """From now on what the file gains is published."""
        stream = LogStream(self._client, f"{GROUP}/{endpoint}", f"{variant}/{uuid.uuid4().hex}", file)
        with self._lock:
            self._streams[file] = stream
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="retide-endpoint-logs", daemon=True)
                self._thread.start()

    def leave(self, file: Path) -> None:
        """Its container has ended: what is left is published, and no more is looked for."""
        with self._lock:
            stream = self._streams.pop(file, None)
        if stream is not None and not self._closed.is_set():
            with self._publishing:
                stream.publish(ended=True)

    def close(self) -> None:
        """Nothing is published after this."""
        self._closed.set()

    def _run(self) -> None:
        while not self._closed.wait(BETWEEN_LOOKS):
            with self._lock:
                streams = list(self._streams.values())
            for stream in streams:
                with self._publishing:
                    stream.publish()
