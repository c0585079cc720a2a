"""Carries a build through its phases, in a thread of its own, to exactly one end."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Final

from retide.local.clock import Timer
from retide.local.codebuild.build import Build, Cause, Interrupted
from retide.local.codebuild.buildlog import BuildLog
from retide.local.codebuild.buildspec import OnFailure
from retide.local.codebuild.caches import Caches
from retide.local.codebuild.errors import INTERNAL_ERROR, PhaseFailed
from retide.local.codebuild.events import Events
from retide.local.codebuild.slots import Slots
from retide.local.codebuild.workspace import Clients, Workspace
from retide.local.interfaces import Settings
from retide.local.processes import Registry

logger = logging.getLogger("retide.local.codebuild")

GOES_ON: Final = frozenset({"BUILD", "POST_BUILD"})
"""After these the next phase comes even if they fail, unless the buildspec says otherwise."""


class Ended(Exception):
    """The build ends early; the phase that failed says why."""


class Runner:
    """Runs builds, a few at a time."""

    def __init__(
        self, settings: Settings, registry: Registry, clients: Clients, caches: Caches, events: Events, slots: Slots
    ) -> None:
        self._settings = settings
        self._registry = registry
        self._clients = clients
        self._caches = caches
        self._events = events
        self._slots = slots

    def submit(self, build: Build) -> None:
        """The build takes its place in the queue before this returns."""
        build.enter("SUBMITTED", self._now())
        self._slots.line_up(build.interruption)
        self._events.state_changed(build)

    def run(self, build: Build) -> None:
        """Everything from the queue to the end; never raises."""
        status = "FAULT"
        try:
            self._leave(build, None, "SUCCEEDED")
            status = self._run_in_turn(build)
        except Exception:
            logger.exception("the build %s failed inside the local cloud", build.id)
        finally:
            build.end(status, self._now())
            self._events.state_changed(build)
            build.done.set_result(build.state())

    def _run_in_turn(self, build: Build) -> str:
        timer = self._interrupt_after(build, build.plan.queued_minutes)
        try:
            self._phase(build, None, "QUEUED", lambda: self._slots.wait(build.interruption))
        except Ended:
            return self._status(build)
        finally:
            timer.cancel()
        try:
            return self._run_here(build)
        finally:
            self._slots.free()

    def _run_here(self, build: Build) -> str:
        folder = self._settings.home / "codebuild" / "logs"
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"{build.uuid}.txt"
        log = BuildLog(self._clients.logs, self._settings.clock, build.plan.log_group, build.log_stream, file)
        workspace = Workspace(self._settings, self._registry, self._clients, self._caches, build, log)
        timer = self._interrupt_after(build, build.plan.minutes)
        try:
            self._run_phases(build, workspace, log)
        except Ended:
            logger.debug("the build %s ends early", build.id)
        finally:
            timer.cancel()
            self._finalize(build, workspace, log)
            file.unlink(missing_ok=True)
        return self._status(build)

    def _run_phases(self, build: Build, workspace: Workspace, log: BuildLog) -> None:
        self._must(build, log, "PROVISIONING", workspace.provision)
        self._must(build, log, "DOWNLOAD_SOURCE", workspace.download)
        for name in ("INSTALL", "PRE_BUILD", "BUILD", "POST_BUILD"):
            self._commands(build, log, name, workspace)
        build.exported = workspace.exported()
        self._must(build, log, "UPLOAD_ARTIFACTS", workspace.upload)

    def _commands(self, build: Build, log: BuildLog, name: str, workspace: Workspace) -> None:
        """Run a phase of the buildspec; raises Ended when no further phase follows."""
        rule = workspace.spec(name.lower()).on_failure
        succeeded = self._phase(build, log, name, lambda: _repeat(rule, log, workspace, name.lower()))
        build.exported = workspace.exported()
        goes_on = name in GOES_ON if rule is None or rule.action == "RETRY" else rule.action == "CONTINUE"
        if not succeeded and not goes_on:
            raise Ended

    def _must(self, build: Build, log: BuildLog, name: str, work: Callable[[], None]) -> None:
        if not self._phase(build, log, name, work):
            raise Ended

    def _phase(self, build: Build, log: BuildLog | None, name: str, work: Callable[[], None]) -> bool:
        """Do the work of a phase; False when it failed. Raises Ended when the build was interrupted in it."""
        build.enter(name, self._now())
        if log is not None:
            log.say(f"Entering phase {name}")
        try:
            build.interruption.check()
            work()
            build.interruption.check()
        except PhaseFailed as problem:
            self._leave(build, log, "FAILED", problem.code, problem.message)
            return False
        except Interrupted as interrupted:
            self._leave(build, log, *interrupted.cause.value)
            raise Ended from interrupted
        except Exception as problem:  # whatever it is, the build must end and say so
            logger.exception("the build %s failed inside the local cloud", build.id)
            self._leave(build, log, "FAULT", INTERNAL_ERROR, f"{type(problem).__name__}: {problem}")
            raise Ended from problem
        self._leave(build, log, "SUCCEEDED")
        return True

    def _leave(self, build: Build, log: BuildLog | None, status: str, code: str = "", message: str = "") -> None:
        phase = build.leave(status, self._now(), code, message)
        if log is not None:
            log.say(f"Phase complete: {phase.type} State: {status}")
            log.say(f"Phase context status code: {code} Message: {message}")
            _publish(build, log)
        self._events.phase_changed(build, phase)

    def _finalize(self, build: Build, workspace: Workspace, log: BuildLog) -> None:
        """Always: nothing of the build stays but its log, its record and its artefacts."""
        build.enter("FINALIZING", self._now())
        workspace.remove()
        self._leave(build, None, "SUCCEEDED")
        _publish(build, log, ended=True)

    def _interrupt_after(self, build: Build, minutes: int) -> Timer:
        return self._settings.clock.call_later(60.0 * minutes, lambda: build.interruption.request(Cause.TIMED_OUT))

    def _status(self, build: Build) -> str:
        """The status of the first phase that did not succeed."""
        return next((phase.status for phase in build.phases if phase.status != "SUCCEEDED"), "SUCCEEDED")

    def _now(self) -> datetime:
        return self._settings.clock.now()


def _publish(build: Build, log: BuildLog, *, ended: bool = False) -> None:
    """Not when the cloud itself ends: there is nothing to publish to."""
    if build.interruption.cause is not Cause.CLOSED:
        log.publish(ended=ended)


def _repeat(rule: OnFailure | None, log: BuildLog, workspace: Workspace, phase: str) -> None:
    """Run the commands of a phase, again where the buildspec says RETRY and the failure is of that kind."""
    left = rule.retries if rule is not None and rule.action == "RETRY" else 0
    while True:
        try:
            workspace.run_phase(phase)
            return
        except PhaseFailed as problem:
            if left == 0 or rule is None or not rule.pattern.search(problem.message):
                raise
            log.say(f"{problem.message}: retrying, {left} more time(s)")
            left -= 1
