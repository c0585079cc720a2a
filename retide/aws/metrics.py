"""Numbers that alarms read, as CloudWatch keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from retide.domain.hosting import NAMESPACE


class CloudWatchMetrics:
    def __init__(self, client: Any) -> None:
        self._client = client

    def tell(self, name: str, value: float, about: Mapping[str, str]) -> None:
        dimensions = [{"Name": key, "Value": said} for key, said in about.items()]
        self._client.put_metric_data(
            Namespace=NAMESPACE,
            MetricData=[{"MetricName": name, "Dimensions": dimensions, "Value": value}],
        )
