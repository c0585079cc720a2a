"""A state that somebody sets by hand stands, whatever is being evaluated in that very moment."""

from __future__ import annotations

import threading
from collections.abc import Callable

from retide.local.clock import Clock
from retide.local.interfaces import Json
from retide.local.metrics import Evaluation


class Interrupted(Evaluation):
    """Something happens when the metric has been looked at, and before the alarm's state is compared with it."""

    def __init__(self, clock: Clock, happens: Callable[[], object]) -> None:
        super().__init__(clock)
        self._happens = happens

    def _values(self, alarm: Json) -> list[float | None]:
        values = super()._values(alarm)
        self._happens()
        return values


def test_no_evaluation_that_began_before_takes_back_what_was_set_by_hand() -> None:
    alarm: Json = {
        "AlarmName": "drill",
        "Namespace": "n",
        "MetricName": "m",
        "StateValue": "ALARM",
        "Period": 60,
        "TreatMissingData": "notBreaching",
        "ComparisonOperator": "GreaterThanThreshold",
    }
    hand: list[threading.Thread] = []

    def somebody_sets_it() -> None:
        hand.append(threading.Thread(target=evaluation.by_hand(lambda: alarm.update(StateValue="ALARM"))))
        hand[-1].start()
        hand[-1].join(0.2)

    clock = Clock(start=1000.0)
    evaluation = Interrupted(clock, somebody_sets_it)
    evaluation._moved.add("drill")
    alarm["StateValue"] = "OK"
    evaluation(alarm)
    hand[0].join()
    clock.close()

    assert alarm["StateValue"] == "ALARM"
