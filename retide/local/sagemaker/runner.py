"""Carries any kind of job from its creation to its end: a thread, a sandbox, a container and a time limit."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Final

from retide.local.callers import Caller
from retide.local.clock import Clock
from retide.local.errors import invalid
from retide.local.folders import remove_tree
from retide.local.interfaces import Settings
from retide.local.logs import HostLogs, LogStream
from retide.local.processes import Registry
from retide.local.sagemaker import container as containers
from retide.local.sagemaker.buckets import TransferFailed
from retide.local.sagemaker.container import Container, Sandbox
from retide.local.sagemaker.errors import in_use
from retide.local.sagemaker.jobs import Ending, Job, Kind, Launch, Outcome, Signal
from retide.local.sagemaker.trouble import Trouble

logger = logging.getLogger("retide.local.sagemaker")
GRACE_SECONDS: Final = 120.0
BETWEEN_LOOKS: Final = 1.0  # seconds, at the log of a container that runs
TERMINAL: Final = frozenset({"Completed", "Failed", "Stopped"})


class Closed(Exception):
    """The cloud ends while the job runs: nobody is to hear of it any more."""


class Runner:
    """Runs the jobs of one kind."""

    def __init__(self, settings: Settings, registry: Registry, logs: Any, kind: Kind) -> None:
        self._settings = settings
        self._registry = registry
        self._logs = logs
        self._kind = kind
        self._running: set[Container] = set()
        self._closed = False

    @property
    def clock(self) -> Clock:
        return self._settings.clock

    def start(self, job: Job) -> None:
        """Begin the job in a thread of its own."""
        self._kind.changed(job)
        threading.Thread(
            target=self._run, args=(job,), name=f"{self._kind.noun.lower()}-{job.name}", daemon=True
        ).start()

    def stop(self, job: Job) -> None:
        """Ask the job to end. Raises ValidationException when it already has."""
        with job.lock:
            if job.status in TERMINAL:
                raise invalid(f"The request was rejected because the job {job.name} is in status {job.status}.")
            already, job.stopping = job.stopping, True
        if not already:
            self.move(job, "Stopping", "Stopping")
            job.inbox.put(Signal.STOP)

    def move(self, job: Job, status: str, secondary: str) -> None:
        """The job enters a state."""
        with job.lock:
            if job.stopping and status == "InProgress":
                status = secondary = "Stopping"
            if (job.status, job.secondary) == (status, secondary):
                return
            job.status, job.secondary, job.modified = status, secondary, self.clock.now()
        self._kind.changed(job)

    def forget(self, job: Job) -> None:
        """Remove what is left of an ended job, so that its name can be used again. Raises ResourceInUse before."""
        if not job.done.done():
            raise in_use(f"The job {job.arn} is in status {job.status}: only one that has ended can be deleted")
        job.tidied.wait()
        remove_tree(self._folder(job))

    def close(self) -> None:
        """Kill what still runs."""
        self._closed = True
        for container in list(self._running):
            container.clean_up()

    def _run(self, job: Job) -> None:
        folder = self._folder(job)
        log = self._log(job, folder)
        try:
            outcome = self._outcome(job, folder / "sandbox", log)
        except Closed:
            return
        log.publish(ended=True)
        for timer in job.timers:
            timer.cancel()
        self._end(job, outcome)
        remove_tree(folder / "sandbox")
        job.tidied.set()

    def _log(self, job: Job, folder: Path) -> HostLogs:
        group, at = f"/aws/sagemaker/{self._kind.noun}Jobs", round(job.created.timestamp())
        places = range(1, self._kind.instances(job) + 1)
        files = [folder / ("log.txt" if place == 1 else f"log-{place}.txt") for place in places]
        names = [f"{job.name}/algo-{place}-{at}" for place in places]
        return HostLogs(LogStream(self._logs, group, name, file) for name, file in zip(names, files, strict=True))

    def _folder(self, job: Job) -> Path:
        return self._settings.home / "sagemaker" / self._kind.noun.lower() / job.name

    def _outcome(self, job: Job, root: Path, log: HostLogs) -> Outcome:
        try:
            sandbox = containers.cluster(root, self._kind.instances(job))
            trouble = Trouble(self._settings.job_fault(self._kind.noun, job.name))
            for file in log.files:
                file.touch()
            self._kind.bring_in(job, sandbox)
            if failed := trouble.beforehand():
                return failed
            ending = self._contain(job, sandbox, log, trouble)
            return trouble.afterwards(self._kind.carry_out(job, sandbox, ending))
        except Closed:
            raise
        except TransferFailed as problem:
            return Outcome("Failed", "Failed", f"ClientError: Data transfer failed: {problem}")
        except Exception as problem:  # whatever it is, the job must end and say so
            logger.exception("the job %s failed inside the local cloud", job.name)
            return Outcome("Failed", "Failed", f"InternalServerError: {type(problem).__name__}: {problem}")

    def _contain(self, job: Job, sandbox: Sandbox, log: HostLogs, trouble: Trouble) -> Ending:
        launch = self._kind.launch(job)
        started: list[Container] = []
        caller = Caller(job.arn, job.request.get("RoleArn", ""), partial(_kill, started))
        token = self._settings.admit(caller)
        platform = containers.access(self._settings, isolated=launch.isolated, token=token) | dict(launch.platform)
        self._kind.started(job)
        if job.stopping:
            return Ending(0, Signal.STOP, log.file)
        job.timers.append(self.clock.call_later(launch.seconds, lambda: job.inbox.put(Signal.DEADLINE)))
        for host, file in zip(sandbox.hosts, log.files, strict=True):
            try:
                started.append(self._start(job, launch, platform, host, file))
            except OSError as problem:
                _kill(started)
                file.write_text(f"{launch.words[0]}: {problem}\n")
                return Ending(127, None, log.file)  # what a container's runtime reports for a command that is not there
        trouble.meanwhile(job, started[0], self.stop)
        return self._watch(job, started, log)

    def _start(self, job: Job, launch: Launch, platform: Mapping[str, str], sandbox: Sandbox, log: Path) -> Container:
        """Raises OSError."""
        python = containers.interpreter(self._settings, launch.image)
        words = containers.command(sandbox, python, launch.words)
        variables = containers.environment(self._settings, sandbox, python, launch.variables, platform)
        return Container(self._registry, words, variables, sandbox, log, lambda: job.inbox.put(Signal.EXITED))

    def _watch(self, job: Job, hosts: list[Container], log: HostLogs) -> Ending:
        """Until all hosts have exited; where one fails or is told to end, all others are told to."""
        self._running.update(hosts)
        cause: Signal | None = None
        failed: int | None = None
        while (signal := _next_signal(job, log)) is not Signal.EXITED or not all(one.exited.is_set() for one in hosts):
            if signal is Signal.KILL:
                _kill(hosts)
                continue
            first = failed is None and cause is None
            failed = _failed(hosts) if failed is None else failed
            cause = signal if signal is not Signal.EXITED and cause is None else cause
            if first and (failed is not None or cause is not None):
                self._terminate(job, hosts)
        for container in hosts:
            container.clean_up()
        self._running.difference_update(hosts)
        if self._closed:
            raise Closed
        place = failed if failed is not None else _failed(hosts) or 0
        return Ending(hosts[place].exit_code or 0, cause, log.file, place)

    def _terminate(self, job: Job, hosts: list[Container]) -> None:
        job.timers.append(self.clock.call_later(GRACE_SECONDS, lambda: job.inbox.put(Signal.KILL)))
        for container in hosts:
            container.terminate()

    def _end(self, job: Job, outcome: Outcome) -> None:
        with job.lock:
            job.failure, job.ended = outcome.failure, self.clock.now()
        self.move(job, outcome.status, outcome.secondary)
        job.done.set_result(None)


def _failed(hosts: list[Container]) -> int | None:
    """The place of the first host that has ended badly."""
    return next((place for place, one in enumerate(hosts) if one.exited.is_set() and one.exit_code), None)


def _kill(containers: Iterable[Container]) -> None:
    for container in containers:
        container.kill()


def _next_signal(job: Job, log: HostLogs) -> Signal:
    """Until there is one, what the container says goes on to CloudWatch."""
    while True:
        with suppress(queue.Empty):
            return job.inbox.get(timeout=BETWEEN_LOOKS)
        log.publish()
