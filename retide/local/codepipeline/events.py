"""Tells EventBridge about every change of an execution, a stage and an action, in the shapes that AWS documents."""

from __future__ import annotations

from typing import Final, Protocol

from retide.local.codepipeline.executions import ActionRun, Execution, StageRun, Status
from retide.local.interfaces import Event, Json, Settings

SOURCE: Final = "aws.codepipeline"
STATES: Final = {
    Status.IN_PROGRESS: "STARTED",
    Status.STOPPING: "STOPPING",
    Status.STOPPED: "STOPPED",
    Status.SUCCEEDED: "SUCCEEDED",
    Status.FAILED: "FAILED",
    Status.CANCELLED: "CANCELED",
    Status.SUPERSEDED: "SUPERSEDED",
    Status.SKIPPED: "SKIPPED",
    Status.ABANDONED: "ABANDONED",
}


class Bus(Protocol):
    def emit_event(self, event: Event) -> None:
        """Put the event onto the account's default bus."""


class Events:
    def __init__(self, bus: Bus, settings: Settings) -> None:
        self._bus = bus
        self._settings = settings

    def execution(self, execution: Execution, *, resumed: bool = False) -> None:
        state = "RESUMED" if resumed else STATES[execution.status]
        trigger = {"trigger-type": execution.trigger.kind, "trigger-detail": execution.trigger.detail}
        self._emit("Pipeline", execution, {"state": state, "execution-trigger": trigger})

    def stage(self, execution: Execution, stage: StageRun) -> None:
        self._emit("Stage", execution, {"stage": stage.stage.name, "state": STATES[stage.status]})

    def action(self, execution: Execution, run: ActionRun) -> None:
        kind = run.action.declared["actionTypeId"]
        detail: Json = {
            "stage": run.stage,
            "action": run.action.name,
            "action-execution-id": run.id,
            "state": STATES[run.status],
            "region": self._settings.region,
            "type": {name: kind[name] for name in ("owner", "provider", "category", "version")},
        }
        if run.outcome is not None:
            detail["execution-result"] = _result(run)
        self._emit("Action", execution, detail)

    def _emit(self, what: str, execution: Execution, detail: Json) -> None:
        name, settings = execution.definition.name, self._settings
        common = {
            "pipeline": name,
            "execution-id": execution.id,
            "start-time": execution.started.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "version": float(execution.definition.version),
            "pipeline-execution-attempt": float(execution.attempt),
        }
        arn = f"arn:aws:codepipeline:{settings.region}:{settings.account}:{name}"
        self._bus.emit_event(Event(SOURCE, f"CodePipeline {what} Execution State Change", common | detail, (arn,)))


def _result(run: ActionRun) -> Json:
    outcome = run.outcome
    assert outcome is not None  # noqa: S101 - the caller has looked
    told = {
        "external-execution-url": run.external_url,
        "external-execution-id": run.external_id,
        "external-execution-summary": outcome.summary or outcome.message,
        "error-code": outcome.code,
    }
    return {name: text for name, text in told.items() if text}
