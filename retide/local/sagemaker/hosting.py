"""Real HTTP servers for models: gunicorn in the image's interpreter, watched through /ping."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import urllib3

from retide.local.interfaces import HOST, Json, Settings
from retide.local.processes import Registry
from retide.local.sagemaker import container as containers
from retide.local.sagemaker.archives import BadArchive, unpack
from retide.local.sagemaker.buckets import Buckets, Location, TransferFailed
from retide.local.sagemaker.container import Container, Sandbox
from retide.local.sagemaker.models import SERVING_MODULE

logger = logging.getLogger("retide.local.sagemaker")
PING_SECONDS: Final = 2.0
BETWEEN_PINGS: Final = 0.02
INVOCATION_SECONDS: Final = 60.0
STOP_SECONDS: Final = 5.0
SERVERLESS_START_SECONDS: Final = 180.0
INSTANCE_START_SECONDS: Final = 480.0
THREADS: Final = 8
KEPT_ALIVE_SECONDS: Final = 3600
CONNECTIONS: Final = 64


class HostingFailed(Exception):
    """A variant did not come up; the message is the endpoint's FailureReason."""


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes


class Unanswered(Exception):
    """The container gave no answer to an invocation."""


class Server:
    """One production variant: its model's container behind a port of its own; it writes to `log`."""

    def __init__(
        self, settings: Settings, registry: Registry, variant: Json, folder: Path, log: Path | None = None
    ) -> None:
        self._settings = settings
        self._registry = registry
        self._variant = variant
        self._log = log or folder / "log.txt"
        self._sandbox = Sandbox(folder / "sandbox")
        self._port = _free_port()
        self._pool = urllib3.HTTPConnectionPool(HOST, self._port, maxsize=CONNECTIONS, retries=False)
        self._container: Container | None = None
        self._limit = 0.0
        self._stopped = threading.Event()

    @property
    def log(self) -> Path:
        """What the container writes to its standard output and error."""
        return self._log

    def begin(self, model: Json, buckets: Buckets) -> None:
        """Bring the model's data in and start the server. Raises HostingFailed."""
        image = model["PrimaryContainer"]
        self._bring_in(image, buckets)
        python = containers.interpreter(self._settings, image["Image"])
        platform = containers.access(self._settings, isolated=model.get("EnableNetworkIsolation", False))
        platform["SAGEMAKER_BIND_TO_PORT"] = str(self._port)
        given = image.get("Environment", {})
        variables = containers.environment(self._settings, self._sandbox, python, given, platform)
        words = _command(python, self._port, variables)
        self._limit = self._settings.clock.seconds() + _start_seconds(self._variant)
        self._container = Container(self._registry, words, variables, self._sandbox, self._log, lambda: None)

    def await_ping(self) -> None:
        """Until the server that was begun answers /ping. Raises HostingFailed when it does not."""
        exited = self._container.exited if self._container is not None else self._stopped
        clock = self._settings.clock
        while clock.seconds() < self._limit and not self._stopped.is_set() and not exited.wait(BETWEEN_PINGS):
            if self._answers_ping():
                return
        raise HostingFailed(
            f"The primary container for production variant {self._variant['VariantName']} "
            f"did not pass the ping health check. Please check the log of this endpoint: {self._log}"
        )

    def invoke(self, body: bytes, headers: Mapping[str, str]) -> Reply:
        """POST to /invocations. Raises Unanswered when no answer comes within 60 s."""
        try:
            response = self._pool.request(
                "POST", "/invocations", body=body, headers=headers, timeout=INVOCATION_SECONDS, redirect=False
            )
        except urllib3.exceptions.HTTPError as error:
            raise Unanswered(str(error)) from error
        return Reply(response.status, response.headers, response.data)

    def stop(self, *, now: bool = False) -> None:
        """End the server, which may finish what it does unless it must stop `now`, and remove its files."""
        self._stopped.set()
        self._pool.close()
        if self._container is not None:
            if not now:
                self._container.terminate()
                self._container.exited.wait(STOP_SECONDS)
            self._container.clean_up()
        self._sandbox.remove()

    def _bring_in(self, image: Json, buckets: Buckets) -> None:
        uri = image.get("ModelDataUrl")
        if uri is None:
            (self._sandbox.base / "model").mkdir()
            return
        archive = self._sandbox.root / "model.tar.gz"
        try:
            buckets.fetch(Location.parse(uri), archive)
            unpack(archive, self._sandbox.base / "model")
        except (TransferFailed, BadArchive) as problem:
            raise HostingFailed(
                f'Failed to download model data for container "container_1" from URL: "{uri}": {problem}'
            ) from problem

    def _answers_ping(self) -> bool:
        try:
            return self._pool.request("GET", "/ping", timeout=PING_SECONDS).status == 200
        except urllib3.exceptions.HTTPError:
            return False


def _command(python: Path, port: int, variables: Mapping[str, str]) -> list[str]:
    workers = variables.get("SAGEMAKER_MODEL_SERVER_WORKERS", "1")
    timeout = variables.get("SAGEMAKER_MODEL_SERVER_TIMEOUT", str(int(INVOCATION_SECONDS)))
    size = ["--workers", workers, "--threads", str(THREADS), "--timeout", timeout]
    # Kept alive for long, or gunicorn would close a connection in the moment in which the next request goes out on it.
    rest = ["--keep-alive", str(KEPT_ALIVE_SECONDS), "--no-control-socket", variables[SERVING_MODULE]]
    return [str(python), "-m", "gunicorn", "--bind", f"{HOST}:{port}", *size, *rest]


def _start_seconds(variant: Json) -> float:
    if "ServerlessConfig" in variant:
        return SERVERLESS_START_SECONDS
    return float(variant.get("ContainerStartupHealthCheckTimeoutInSeconds", INSTANCE_START_SECONDS))


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        port: int = listener.getsockname()[1]
        return port
