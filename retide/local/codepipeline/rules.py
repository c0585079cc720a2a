"""The rules of stage conditions: the state of an alarm, and the value of a variable."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from retide.local.codepipeline.errors import stage_declaration
from retide.local.codepipeline.executions import Outcome, RuleRun, Status, failure
from retide.local.codepipeline.turns import Turns

STATES: Final = ("ALARM", "OK", "INSUFFICIENT_DATA")
BETWEEN_LOOKS: Final = 5.0  # seconds of the cloud's time, at an alarm that is being watched
MINUTE: Final = 60.0
OPERATORS: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "EQ": lambda variable, value: variable == value,
    "NE": lambda variable, value: variable != value,
    "CONTAINS": lambda variable, value: value in variable,
    "MATCHES": lambda variable, value: re.fullmatch(value, variable) is not None,
}

Settings = Mapping[str, str]


def check(provider: str, configuration: Settings, where: str) -> None:
    """Raises ApiError when a setting has a value that the rule cannot have."""
    if provider == "CloudWatchAlarm":
        _check_alarm(configuration, where)
    elif configuration["Operator"] not in OPERATORS:
        raise stage_declaration(
            f"{where} has the Operator {configuration['Operator']}: give one of {', '.join(OPERATORS)}"
        )


def _check_alarm(configuration: Settings, where: str) -> None:
    wrong = [state for state in _states(configuration) if state not in STATES]
    if wrong:
        raise stage_declaration(f"{where} has the AlarmStates {wrong[0]}: give some of {', '.join(STATES)}")
    if not configuration.get("WaitTime", "0").isdigit():
        raise stage_declaration(f"{where} has the WaitTime {configuration['WaitTime']}: give whole minutes")


def check_variable(configuration: Settings) -> Outcome:
    """Compare; the variable's reference was resolved before."""
    variable, value, operator = (configuration[name] for name in ("Variable", "Value", "Operator"))
    try:
        holds = OPERATORS[operator](variable, value)
    except re.error as problem:
        return failure("ConfigurationError", f"{value!r} is no regular expression: {problem}")
    if holds:
        return Outcome(True, f"{variable!r} {operator} {value!r}")
    return failure("RuleFailed", f"{variable!r} {operator} {value!r} does not hold")


class AlarmWatch:
    """One evaluation of a CloudWatchAlarm rule; it fails when the alarm is in one of the states to watch for.

    On entry it waits up to WaitTime for the alarm to leave those states. After a stage it watches for the whole
    WaitTime that the alarm does not enter them.
    """

    def __init__(
        self, cloudwatch: Any, turns: Turns, run: RuleRun, kind: str, report: Callable[[Outcome], object]
    ) -> None:
        self._cloudwatch = cloudwatch
        self._turns = turns
        self._run = run
        self._name = run.configuration["AlarmName"]
        self._states = _states(run.configuration)
        self._waits_for_calm = kind == "beforeEntry"
        self._end = turns.clock.seconds() + int(run.configuration.get("WaitTime", "0")) * MINUTE
        self._report = report

    def look(self) -> None:
        """Decide, or come back later, unless nobody waits for the answer any more."""
        if self._run.status is not Status.IN_PROGRESS:
            return
        try:
            state = self._state()
        except (ClientError, BotoCoreError) as problem:
            self._report(failure("SystemUnavailable", f"The alarm {self._name} cannot be looked up: {problem}"))
            return
        if state is None:
            self._report(failure("RuleFailed", f"There is no alarm {self._name}"))
            return
        alarmed, left = state in self._states, self._end - self._turns.clock.seconds()
        if left > 0 and alarmed == self._waits_for_calm:
            self._turns.after(min(left, BETWEEN_LOOKS), self.look)
        elif alarmed:
            self._report(failure("RuleFailed", f"The alarm {self._name} is in the state {state}"))
        else:
            self._report(Outcome(True, f"The alarm {self._name} is in the state {state}"))

    def _state(self) -> str | None:
        found = self._cloudwatch.describe_alarms(AlarmNames=[self._name], AlarmTypes=["MetricAlarm", "CompositeAlarm"])
        alarms = [*found.get("MetricAlarms", ()), *found.get("CompositeAlarms", ())]
        return alarms[0]["StateValue"] if alarms else None


def _states(configuration: Settings) -> list[str]:
    return [state.strip() for state in configuration.get("AlarmStates", "ALARM").split(",")]
