"""Reading an execution's events as states."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from retide.cli.executions import Execution, StateSeen, folded, read_events
from retide.ports import Machine

START = datetime(2026, 1, 1, tzinfo=UTC)


def event(second: float, kind: str, **details: Any) -> Mapping[str, Any]:
    return {"type": kind, "timestamp": START + timedelta(seconds=second), **details}


def entered(second: float, name: str, kind: str = "Task") -> Mapping[str, Any]:
    return event(second, f"{kind}StateEntered", stateEnteredEventDetails={"name": name})


def left(second: float, name: str, output: object = None, kind: str = "Task") -> Mapping[str, Any]:
    details = {"name": name, "output": json.dumps(output or {})}
    return event(second, f"{kind}StateExited", stateExitedEventDetails=details)


def test_a_state_has_its_seconds_and_its_output_when_it_was_left() -> None:
    seen = read_events(
        [event(0, "ExecutionStarted"), entered(1, "Gate"), left(3.5, "Gate", {"gate": {"outcome": "kept"}})]
    )
    assert [(state.name, state.seconds, state.output) for state in seen] == [
        ("Gate", 2.5, {"gate": {"outcome": "kept"}})
    ]


def test_a_state_that_runs_has_no_seconds() -> None:
    seen = read_events([entered(0, "Claim"), left(1, "Claim"), entered(2, "Train")])
    assert [(state.name, state.seconds) for state in seen] == [("Claim", 1.0), ("Train", None)]


def test_what_runs_inside_a_map_belongs_to_the_map() -> None:
    inside = [entered(1, "Validate object"), entered(1, "Validate object"), left(2, "Validate object")]
    events = [entered(0, "Validate", "Map"), *inside, left(4, "Validate", kind="Map"), entered(4, "Freeze")]
    assert [(state.name, state.seconds) for state in read_events(events)] == [("Validate", 4.0), ("Freeze", None)]


def test_choices_waits_and_ends_are_no_states_that_do_something() -> None:
    kinds = ("Choice", "Wait", "Pass", "Succeed", "Fail")
    assert read_events([entered(0, kind, kind) for kind in kinds]) == ()


def test_a_failed_task_says_the_sentence_inside_its_cause() -> None:
    cause = json.dumps({"TrainingJobName": "x", "FailureReason": "AlgorithmError: no\n rows"})
    failed = event(2, "TaskFailed", taskFailedEventDetails={"error": "States.TaskFailed", "cause": cause})
    seen = read_events([entered(0, "Train"), failed, entered(2, "Release failed run")])
    assert (seen[0].error, seen[0].seconds) == ("States.TaskFailed: AlgorithmError: no rows", 2.0)


def test_how_an_execution_ends_is_not_its_last_states_doing() -> None:
    ended = event(2, "ExecutionFailed", executionFailedEventDetails={"error": "Rejected", "cause": "too bad"})
    seen = read_events([entered(0, "Release"), left(1, "Release"), ended])
    assert [state.error for state in seen] == [""]


def test_a_state_cut_off_by_the_end_of_its_execution_is_over() -> None:
    seen = read_events([event(0, "ExecutionStarted"), entered(0, "Train"), event(7, "ExecutionAborted")])
    assert [state.seconds for state in seen] == [7.0]


@given(st.lists(st.floats(min_value=0.0, max_value=9.0), min_size=1, max_size=8))
def test_polling_is_one_state_however_often_it_asks(pauses: list[float]) -> None:
    polls, at = [], 0.0
    for pause in pauses:
        polls.append(StateSeen("Describe endpoint", START + timedelta(seconds=at), 0.5))
        at += 0.5 + pause
    (one,) = folded(polls)
    assert one.seconds is not None
    assert abs(one.seconds - (at - pauses[-1])) < 1e-3


def test_an_executions_model_is_in_its_name_dashes_and_all() -> None:
    names = {"tumour-12-3": "tumour", "my-model-2-1-1": "my-model-2", "tumour-v7-1": "tumour", "odd": ""}
    for name, model in names.items():
        assert Execution("arn", name, Machine.RETRAIN, "RUNNING", START).model == model
