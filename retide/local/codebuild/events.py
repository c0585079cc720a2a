"""Tells EventBridge what becomes of builds, in the shape that AWS documents."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, Protocol

from retide.local.codebuild.build import Build, Cause, Phase
from retide.local.codebuild.seam import RUNNING
from retide.local.interfaces import Event, Json

SOURCE: Final = "aws.codebuild"
STATE: Final = "CodeBuild Build State Change"
PHASE: Final = "CodeBuild Build Phase Change"


class Bus(Protocol):
    def emit_event(self, event: Event) -> None:
        """Put the event onto the account's default bus."""


class Events:
    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    def state_changed(self, build: Build) -> None:
        with build.lock:
            detail = _common(build) | {
                "build-status": build.status,
                "current-phase": build.phase.type,
                "current-phase-context": _contexts(build.phase),
            }
        self._emit(build, STATE, detail)

    def phase_changed(self, build: Build, phase: Phase) -> None:
        with build.lock:
            detail = _common(build) | {
                "completed-phase": phase.type,
                "completed-phase-status": phase.status,
                "completed-phase-context": _contexts(phase),
                "completed-phase-start": _time(phase.started),
                "completed-phase-end": _time(phase.ended),
                "completed-phase-duration-seconds": _seconds(phase),
            }
        self._emit(build, PHASE, detail)

    def _emit(self, build: Build, kind: str, detail: Json) -> None:
        """When the cloud itself ends, nobody is there to hear of it."""
        if build.interruption.cause is not Cause.CLOSED:
            self._bus.emit_event(Event(SOURCE, kind, detail, (build.arn,)))


def _common(build: Build) -> Json:
    plan = build.plan
    source, environment = plan.described.get("source", {}), plan.described.get("environment", {})
    return {
        "project-name": plan.project,
        "build-id": build.arn,
        "version": "1",
        "additional-information": {
            "artifact": _artifact(build),
            "environment": {
                "image": plan.image,
                "privileged-mode": False,
                "compute-type": environment.get("computeType"),
                "type": environment.get("type"),
                "environment-variables": environment.get("environmentVariables", []),
            },
            "timeout-in-minutes": plan.minutes,
            "build-complete": build.status != RUNNING,
            "initiator": plan.initiator,
            "build-start-time": _time(build.created),
            "source": {key: source[key] for key in ("type", "location") if key in source},
            "logs": {"group-name": plan.log_group, "stream-name": build.log_stream} if plan.log_group else {},
            "phases": [_phase(phase) for phase in build.phases],
        },
    }


def _artifact(build: Build) -> Json:
    for uploaded in build.uploaded:
        if not uploaded.identifier:
            sums = {"md5sum": uploaded.md5, "sha256sum": uploaded.sha256}
            return {"location": uploaded.location} | {name: value for name, value in sums.items() if value}
    return {}


def _phase(phase: Phase) -> Json:
    told: Json = {"phase-type": phase.type, "start-time": _time(phase.started)}
    if phase.ended is None:
        return told
    context = [f"{code}: {message}" for code, message in phase.contexts]
    return told | {
        "phase-context": context,
        "end-time": _time(phase.ended),
        "duration-in-seconds": _seconds(phase),
        "phase-status": phase.status,
    }


def _contexts(phase: Phase) -> str:
    return "[" + ", ".join(f"{code}: {message}" for code, message in phase.contexts) + "]"


def _seconds(phase: Phase) -> int:
    return int((phase.ended - phase.started).total_seconds()) if phase.ended else 0


def _time(moment: datetime | None) -> Any:
    """Sep 1, 2017 4:12:29 PM"""
    if moment is None:
        return None
    return f"{moment:%b} {moment.day}, {moment.year} {int(moment.strftime('%I'))}:{moment:%M:%S %p}"
