"""CloudWatch's metrics and alarms in MiniStack: values are kept counted, alarms look at exactly their own metric."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any, Final

from ministack.services import cloudwatch

from retide.local.clock import Clock
from retide.local.interfaces import Json, Measure

COMPARISONS: Final[dict[str, Callable[[float, float], bool]]] = {
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
    "LessThanOrEqualToThreshold": lambda value, threshold: value <= threshold,
}
_lock = threading.Lock()


def keep(measure: Measure) -> None:
    """Equal values of one second are one point with a count, so that a million invocations are few points."""
    dimensions = dict(measure.dimensions)
    second = int(measure.at)
    with _lock:
        points = cloudwatch._metric_bucket((measure.namespace, measure.name, cloudwatch._dims_key(dimensions)))
        for point in reversed(points):
            if point["Timestamp"] != second:
                break
            if point["Value"] == measure.value:
                point["Count"] = point.get("Count", 1.0) + 1.0
                return
        points.append(
            {
                "Timestamp": second,
                "Value": measure.value,
                "Count": 1.0,
                "Unit": measure.unit,
                "Dimensions": dimensions,
            }
        )


def unmoved(forget: Callable[[], None]) -> Callable[[], None]:
    """Forgets old points in no moment in which one is being kept."""

    def forget_old_points() -> None:
        with _lock:
            forget()

    return forget_old_points


def state_of(name: str) -> str | None:
    """The state of an alarm, evaluated now if it is one on a metric."""
    alarm = cloudwatch._alarms.get(name)
    if alarm is None:
        composite = cloudwatch._composite_alarms.get(name)
        return None if composite is None else str(composite["StateValue"])
    cloudwatch._evaluate_alarm(alarm)
    return str(alarm["StateValue"])


class Evaluation:
    """Evaluates an alarm as AWS does: its own dimensions, period by period, M out of N, missing data as it says.

    A state that was set by hand (SetAlarmState) holds for one period, as long as AWS may take to look again; an alarm
    that never saw data stays as it is. No evaluation that began before a state was set by hand takes it back.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._changing = threading.RLock()
        self._seen: dict[str, str] = {}
        self._held: dict[str, float] = {}
        self._moved: set[str] = set()

    def __call__(self, alarm: Json) -> None:
        with self._changing:
            old, reason = alarm["StateValue"], self._reason_to_move(alarm)
        if reason:
            cloudwatch._record_history(alarm["AlarmName"], old, alarm["StateValue"], reason)
            cloudwatch._dispatch_alarm_actions(alarm, old, alarm["StateValue"], reason)
            cloudwatch._evaluate_parent_alarms(alarm)

    def by_hand(self, set_state: Callable[..., Any]) -> Callable[..., Any]:
        """SetAlarmState, after which the state holds."""

        def set_and_hold(*request: Any) -> Any:
            with self._changing:
                self._look()
                answer = set_state(*request)
                self._look()
            return answer

        return set_and_hold

    def _reason_to_move(self, alarm: Json) -> str:
        """Gives the alarm another state where its metric says so, and says why; empty where it stays as it is."""
        if not alarm.get("Namespace") or not alarm.get("MetricName") or self._is_held(alarm):
            return ""
        values = self._values(alarm)
        if all(value is None for value in values) and alarm["AlarmName"] not in self._moved:
            return ""
        state = _state(alarm, [_verdict(alarm, value) for value in values])
        if state is None or state == alarm["StateValue"]:
            return ""
        self._moved.add(alarm["AlarmName"])
        self._seen[alarm["AlarmName"]] = state
        return self._move(alarm, state, values)

    def _look(self) -> None:
        for alarm in list(cloudwatch._alarms.values()):
            self._is_held(alarm)

    def _is_held(self, alarm: Json) -> bool:
        name, now = alarm["AlarmName"], self._clock.seconds()
        if self._seen.get(name, alarm["StateValue"]) != alarm["StateValue"]:
            self._held[name] = now + float(alarm.get("Period", 60))
        self._seen[name] = alarm["StateValue"]
        return now < self._held.get(name, 0.0)

    def _values(self, alarm: Json) -> list[float | None]:
        """The statistic of each period, the newest first; None where there is no data."""
        period, now = int(alarm.get("Period", 60)), self._clock.seconds()
        points = _points(alarm)
        return [
            _statistic(alarm, [p for p in points if now - (k + 1) * period < p["Timestamp"] <= now - k * period])
            for k in range(int(alarm.get("EvaluationPeriods", 1)))
        ]

    def _move(self, alarm: Json, state: str, values: Iterable[float | None]) -> str:
        reason = f"Threshold Crossed: {list(values)} {alarm.get('ComparisonOperator')} {alarm.get('Threshold')}"
        alarm["StateValue"], alarm["StateReason"] = state, reason
        alarm["StateUpdatedTimestamp"] = int(self._clock.seconds())
        return reason


def _points(alarm: Json) -> list[Json]:
    dimensions = {each["Name"]: each["Value"] for each in alarm.get("Dimensions") or ()}
    key = (alarm["Namespace"], alarm["MetricName"], cloudwatch._dims_key(dimensions))
    with _lock:
        return list(cloudwatch._metrics.get(key) or ())


def _statistic(alarm: Json, points: list[Json]) -> float | None:
    if not points:
        return None
    name = alarm.get("ExtendedStatistic") or alarm.get("Statistic", "Average")
    value: Any = cloudwatch._stat_value(cloudwatch._calc_stats(points), name, points)
    return None if value is None else float(value)


def _verdict(alarm: Json, value: float | None) -> bool | None:
    """Whether one period breaches; None where its data is missing and that says nothing."""
    if value is not None:
        compare = COMPARISONS.get(alarm.get("ComparisonOperator", ""))
        return compare is not None and compare(value, float(alarm.get("Threshold", 0)))
    return {"breaching": True, "notBreaching": False}.get(alarm.get("TreatMissingData", "missing"))


def _state(alarm: Json, verdicts: list[bool | None]) -> str | None:
    """None: it stays as it is."""
    needed = int(alarm.get("DatapointsToAlarm") or alarm.get("EvaluationPeriods", 1))
    if sum(verdict is True for verdict in verdicts) >= needed:
        return "ALARM"
    if all(verdict is None for verdict in verdicts):
        return None if alarm.get("TreatMissingData") == "ignore" else "INSUFFICIENT_DATA"
    return "OK"
