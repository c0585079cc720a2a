"""CloudWatch: its time is the cloud's, alarms see their own dimensions, those on metric math are kept as set."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, Final

from ministack.services import cloudwatch
from ministack.services.cloudformation import provisioners

from retide.local.clock import Clock
from retide.local.interfaces import Json
from retide.local.metrics import Evaluation, unmoved

UNWATCHED: Final = "Metric math is not evaluated in the local cloud: set the state with SetAlarmState"
STAND_IN: Final = {"MetricName": "metric-math", "Namespace": "retide/local"}


def install(clock: Clock) -> None:
    """`time.time` is all that MiniStack's CloudWatch asks of the machine's clock."""
    cloudwatch.time = SimpleNamespace(time=clock.seconds)
    cloudwatch._evict_old_metrics = unmoved(cloudwatch._evict_old_metrics)
    evaluation = Evaluation(clock)
    cloudwatch._evaluate_alarm = evaluation
    cloudwatch._set_alarm_state = evaluation.by_hand(cloudwatch._set_alarm_state)
    cloudwatch._describe_alarms = _looked_at(cloudwatch._describe_alarms)
    _take_metric_math()


def _looked_at(describe: Callable[..., Any]) -> Callable[..., Any]:
    """An alarm is evaluated when somebody asks for it: metrics of our services come in without a request."""

    def described(*request: Any) -> Any:
        cloudwatch._evaluate_all_alarms()
        return describe(*request)

    return described


def _take_metric_math() -> None:
    original = provisioners._cw_metric_alarm_record

    def record(name: str, properties: Json) -> Json:
        """An alarm without data is OK where missing data does not breach, and INSUFFICIENT_DATA elsewhere."""
        metrics: list[Any] = properties.get("Metrics") or []
        if not metrics:
            alarm: Json = original(name, properties)
            return alarm
        rest = {key: value for key, value in properties.items() if key != "Metrics"}
        alarm = original(name, {**rest, **STAND_IN})
        quiet = properties.get("TreatMissingData") == "notBreaching"
        if quiet and alarm["StateValue"] == "INSUFFICIENT_DATA":
            alarm |= {"StateValue": "OK", "StateReason": UNWATCHED}
        return {**alarm, "Metrics": metrics, "MetricName": None, "Namespace": None}

    provisioners._cw_metric_alarm_record = record
