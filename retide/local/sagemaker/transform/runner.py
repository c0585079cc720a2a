"""Runs a transform job: starts the model's server, sends it every file, several requests at a time, stores answers."""

from __future__ import annotations

import gzip
import queue
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import islice
from typing import Any, Final

from retide.local.interfaces import Json, Settings
from retide.local.logs import HostLogs
from retide.local.processes import Registry
from retide.local.sagemaker.buckets import Buckets, Location
from retide.local.sagemaker.container import Sandbox
from retide.local.sagemaker.hosting import HostingFailed, Server, Unanswered
from retide.local.sagemaker.jobs import Ending, Job, Kind, Signal
from retide.local.sagemaker.models import Models
from retide.local.sagemaker.runner import Runner
from retide.local.sagemaker.transform import records
from retide.local.sagemaker.transform.records import MIB, BadRecord, Form
from retide.local.sagemaker.trouble import Trouble

USUAL_MB: Final = 6
RETRIED: Final = frozenset({429, 500, 502, 503, 504})


class Stop(Exception):
    """Somebody stopped the job."""


class TransformRunner(Runner):
    """The container of such a job never exits by itself: it is asked until all is answered."""

    def __init__(
        self, settings: Settings, registry: Registry, logs: Any, kind: Kind, *, buckets: Buckets, models: Models
    ) -> None:
        super().__init__(settings, registry, logs, kind)
        self._buckets = buckets
        self._models = models
        self._servers: set[Server] = set()

    def close(self) -> None:
        super().close()
        for server in list(self._servers):
            server.stop(now=True)

    def _contain(self, job: Job, sandbox: Sandbox, log: HostLogs, _trouble: Trouble) -> Ending:
        launch = self._kind.launch(job)
        model = self._models.find(job.request["ModelName"]).request
        container = model["PrimaryContainer"] | {"Environment": dict(launch.variables) | dict(launch.platform)}
        self._kind.started(job)
        try:
            with self._served(job, model | {"PrimaryContainer": container}, sandbox, log) as server:
                for source, name in self._buckets.listed(*_source(job.request)):
                    self._transform(job, server, source, name)
        except Stop:
            return Ending(0, Signal.STOP, log.file)
        except (BadRecord, HostingFailed) as problem:
            with log.file.open("a") as text:
                text.write(f"{problem}\n")
            return Ending(1, None, log.file)
        return Ending(0, None, log.file)

    @contextmanager
    def _served(self, job: Job, model: Json, sandbox: Sandbox, log: HostLogs) -> Iterator[Server]:
        server = Server(self._settings, self._registry, {"VariantName": job.name}, sandbox.root / "server", log.file)
        self._servers.add(server)
        try:
            server.begin(model, self._buckets)
            server.await_ping()
            yield server
        finally:
            server.stop()
            self._servers.discard(server)

    def _transform(self, job: Job, server: Server, source: Location, name: str) -> None:
        """One file; its answers are stored when all of it is answered, or not at all."""
        request = job.request
        form = Form.of(request, int(request.get("MaxPayloadInMB", USUAL_MB)) * MIB)
        content = self._buckets.read(source)
        if request["TransformInput"].get("CompressionType") == "Gzip":
            content = gzip.decompress(content)
        try:
            stored = b"".join(self._answers(job, server, form, content))
        except BadRecord as problem:
            raise BadRecord(f"{source}: {problem}") from problem
        self._buckets.put(Location.parse(request["TransformOutput"]["S3OutputPath"]) / f"{name}.out", stored)

    def _answers(self, job: Job, server: Server, form: Form, content: bytes) -> Iterator[bytes]:
        at_once = job.request.get("MaxConcurrentTransforms") or 1
        waiting = records.requests(form, content)
        with ThreadPoolExecutor(at_once) as pool:
            while some := list(islice(waiting, at_once)):
                _stop_if_asked(job)
                yield from pool.map(lambda batch: self._ask(job.request, server, form, batch), some)

    def _ask(self, request: Json, server: Server, form: Form, batch: list[bytes]) -> bytes:
        source, target = request["TransformInput"], request["TransformOutput"]
        headers = {"content-type": source.get("ContentType", ""), "accept": target.get("Accept", "")}
        body = records.body(form, batch)
        tries = 1 + request.get("ModelClientConfig", {}).get("InvocationsMaxRetries", 0)
        for left in range(tries - 1, -1, -1):
            try:
                reply = server.invoke(body, {name: value for name, value in headers.items() if value})
            except Unanswered as problem:
                if not left:
                    raise BadRecord(f"the model did not answer: {problem}") from problem
                continue
            if reply.status in RETRIED and left:
                continue
            if not 200 <= reply.status < 300:
                said = reply.body.decode(errors="replace")[:300]
                raise BadRecord(f"Bad HTTP status received from algorithm: {reply.status}: {said}")
            return records.assembled(form, batch, reply.body)
        raise AssertionError("a last try either answers or raises")


def _source(request: Json) -> tuple[str, str]:
    source = request["TransformInput"]["DataSource"]["S3DataSource"]
    return source["S3Uri"], source["S3DataType"]


def _stop_if_asked(job: Job) -> None:
    with suppress(queue.Empty):
        while (signal := job.inbox.get_nowait()) is not None:
            if signal in {Signal.STOP, Signal.DEADLINE, Signal.KILL}:
                raise Stop
