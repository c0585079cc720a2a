"""Read the two state machines' executions: which there are, and which states each has been through."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from retide.ports import Machine

if TYPE_CHECKING:
    from retide.cli.stage import Stage

NAME: Final = re.compile(r"(?P<model>.+?)-(v?)(?P<number>\d+)-(?P<attempt>\d+)")
SHOWN: Final = frozenset({"Task", "Map"})
"""States that do something; Wait, Choice, Pass, Succeed and Fail only lead from one to the next."""
NEWEST: Final = 50


@dataclass(frozen=True, slots=True)
class Execution:
    """`ended_at` is None and `status` RUNNING while it runs."""

    arn: str
    name: str
    machine: Machine
    status: str
    started_at: datetime
    ended_at: datetime | None = None

    @property
    def model(self) -> str:
        named = NAME.fullmatch(self.name)
        return named["model"] if named else ""

    @property
    def running(self) -> bool:
        return self.status == "RUNNING"


@dataclass(frozen=True, slots=True)
class StateSeen:
    """One state that was entered; `seconds` and `output` come with its end, `error` if it raised one."""

    name: str
    entered_at: datetime
    seconds: float | None = None
    output: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""


def newest(stage: Stage) -> tuple[Execution, ...]:
    """The newest executions of both machines, oldest first."""
    machines = (("RetrainMachineArn", Machine.RETRAIN), ("RolloutMachineArn", Machine.ROLLOUT))
    found = [execution for output, machine in machines for execution in _of(stage, stage.output(output), machine)]
    return tuple(sorted(found, key=lambda execution: (execution.started_at, execution.name)))


def _of(stage: Stage, arn: str, machine: Machine) -> Iterator[Execution]:
    for raw in stage.clients.states.list_executions(stateMachineArn=arn, maxResults=NEWEST)["executions"]:
        ended = raw.get("stopDate")
        yield Execution(raw["executionArn"], raw["name"], machine, raw["status"], raw["startDate"], ended)


def states(stage: Stage, execution: Execution) -> tuple[StateSeen, ...]:
    """The states that the execution has been through, in order; the last one may still run."""
    pages = stage.clients.states.get_paginator("get_execution_history").paginate(executionArn=execution.arn)
    return read_events([event for page in pages for event in page["events"]])


def read_events(events: Sequence[Mapping[str, Any]]) -> tuple[StateSeen, ...]:
    """Fold an execution's events into the states that do something; what runs inside a Map belongs to the Map."""
    seen: list[StateSeen] = []
    for event in outermost(events):
        kind: str = event["type"]
        entered, left = event.get("stateEnteredEventDetails"), event.get("stateExitedEventDetails")
        if entered and kind.removesuffix("StateEntered") in SHOWN:
            seen.append(StateSeen(entered["name"], event["timestamp"]))
        elif left and seen and seen[-1].name == left["name"]:
            seen[-1] = _ended(seen[-1], event["timestamp"], output=_json(left.get("output")))
        elif error := _error(event):
            seen[-1:] = [_failed(state, error) for state in seen[-1:]]
    return tuple(_closed(seen, events))


def folded(states: Sequence[StateSeen]) -> tuple[StateSeen, ...]:
    """Polling is one state: what repeats counts from the end of the state before it to its own last end."""
    folds: list[StateSeen] = []
    for state in states:
        if folds and folds[-1].name == state.name and state.seconds is not None:
            began = folds[-1].entered_at
            until = (state.entered_at - began).total_seconds() + state.seconds
            folds[-1] = StateSeen(state.name, began, until, state.output, state.error)
        elif not folds or folds[-1].name != state.name:
            folds.append(state)
    return tuple(folds)


def outermost(events: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """The events outside of Maps, and the Maps' own."""
    depth = 0
    for event in events:
        depth -= event["type"] == "MapStateExited"
        if depth <= 0 or _error(event):
            depth = max(depth, 0)
            yield event
        depth += event["type"] == "MapStateEntered"


def _ended(state: StateSeen, at: datetime, output: Mapping[str, Any]) -> StateSeen:
    return StateSeen(state.name, state.entered_at, (at - state.entered_at).total_seconds(), output, state.error)


def _failed(state: StateSeen, error: str) -> StateSeen:
    return StateSeen(state.name, state.entered_at, state.seconds, state.output, error)


def _closed(seen: Sequence[StateSeen], events: Sequence[Mapping[str, Any]]) -> Iterator[StateSeen]:
    """A state that something followed, or whose execution ended, does not run any more, whatever it did not say."""
    over = bool(events) and events[-1]["type"].startswith("Execution") and len(events) > 1
    ends = [state.entered_at for state in seen[1:]] + [events[-1]["timestamp"] if over else None] if seen else []
    for state, end in zip(seen, ends, strict=True):
        yield state if state.seconds is not None or end is None else _ended(state, end, state.output)


def _error(event: Mapping[str, Any]) -> str:
    """`Name: cause` of a failure event, empty for any other."""
    if event["type"].startswith("Execution"):
        return ""  # how the execution ended is not the last state's doing
    details = next((v for k, v in event.items() if k.endswith(("FailedEventDetails", "TimedOutEventDetails"))), None)
    if details is None:
        return ""
    return f"{details.get('error', 'failed')}: {_cause(details.get('cause', ''))}"


def _cause(text: str) -> str:
    """The sentence inside a cause: AWS wraps a Lambda's error or a whole job's description as JSON."""
    raw = _json(text)
    said = raw.get("errorMessage") or raw.get("FailureReason") or raw.get("ExitMessage") or text
    return " ".join(str(said).split())[:500]


def _json(text: str | None) -> Mapping[str, Any]:
    try:
        value = json.loads(text or "{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
