"""Let stacks make alarms on metric math, which MiniStack refuses: they are kept, in the state that they are set to."""

from __future__ import annotations

from typing import Any, Final

from ministack.services.cloudformation import provisioners

from retide.local.interfaces import Json

UNWATCHED: Final = "Metric math is not evaluated in the local cloud: set the state with SetAlarmState"
STAND_IN: Final = {"MetricName": "metric-math", "Namespace": "retide/local"}


def install() -> None:
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
