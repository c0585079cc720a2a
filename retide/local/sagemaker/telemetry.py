"""What SageMaker tells CloudWatch of every invocation, by endpoint and variant."""

from __future__ import annotations

from typing import Final

from retide.local.interfaces import Measure, Metrics, Settings

NAMESPACE: Final = "AWS/SageMaker"
COUNT: Final = "Count"
MICROSECONDS: Final = "Microseconds"


class Telemetry:
    """Counts invocations at the moment of the cloud's clock."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._clock = settings.clock
        self._metrics = metrics

    def invoked(self, endpoint: str, variant: str, status: int, seconds: float) -> None:
        """One invocation that the container answered so fast with this status; 0 when it did not answer."""
        failed, refused = status == 0 or status >= 500, 400 <= status < 500
        for name, value, unit in (
            ("Invocations", 1.0, COUNT),
            ("InvocationsPerInstance", 1.0, COUNT),
            ("Invocation5XXErrors", float(failed), COUNT),
            ("Invocation4XXErrors", float(refused), COUNT),
            ("InvocationModelErrors", float(not 200 <= status < 300), COUNT),
            ("ModelLatency", _rounded(seconds * 1e6), MICROSECONDS),
        ):
            dimensions = (("EndpointName", endpoint), ("VariantName", variant))
            self._metrics.measure(Measure(NAMESPACE, name, value, unit, dimensions, self._clock.seconds()))


def _rounded(value: float) -> float:
    """To two significant digits, so that equal values can be counted instead of kept one by one."""
    return float(f"{value:.2g}")
