"""What watches a deployment on instances: an alarm each on errors, on latency, and on how far answers depart."""

from __future__ import annotations

from typing import Final

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from infra.names import Names
from retide.domain.contract import Serving
from retide.domain.hosting import NAMESPACE, VARIANT, alarm_names, endpoint_of

PERIOD: Final = Duration.minutes(1)
SAGEMAKER: Final = "AWS/SageMaker"
MICROSECONDS: Final = 1000  # in a millisecond


class RolloutGuard(Construct):
    """Fixed names, for the rollout names them in its deployment; they stand whether or not one is under way."""

    def __init__(self, scope: Construct, id_: str, *, names: Names, model: str, serving: Serving) -> None:
        super().__init__(scope, id_)
        endpoint = endpoint_of(names.stage, model, serving.profile)
        variant = {"EndpointName": endpoint, "VariantName": VARIANT}
        errors, latency, shift = alarm_names(names.stage, model)
        self._alarm("Errors", errors, 0, _metric(SAGEMAKER, "Invocation5XXErrors", "Sum", variant))
        slow = serving.answer_ms * MICROSECONDS
        self._alarm("Latency", latency, slow, _metric(SAGEMAKER, "ModelLatency", "p95", variant))
        departs = _metric(NAMESPACE, "PredictionShift", "Maximum", {"EndpointName": endpoint})
        self._alarm("Shift", shift, serving.shift_psi, departs)

    def _alarm(self, id_: str, name: str, limit: float, metric: cloudwatch.IMetric) -> None:
        cloudwatch.Alarm(
            self,
            id_,
            alarm_name=name,
            alarm_description="a deployment under way is rolled back (`retide explain` says more)",
            metric=metric,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            threshold=limit,
            evaluation_periods=1,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )


def _metric(namespace: str, name: str, statistic: str, about: dict[str, str]) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace=namespace, metric_name=name, statistic=statistic, period=PERIOD, dimensions_map=about
    )
