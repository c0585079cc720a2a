"""Is a stage well? Few alarms, for each costs by the metric that it reads; a deployment is rolled back on them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import batched
from typing import Final

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.names import Names
from retide.domain.hosting import VARIANT

PERIOD: Final = Duration.minutes(1)
METRICS: Final = 10  # CloudWatch reads no more in one alarm
DECISIONS: Final = ("Rejected", "Quarantined", "Stopped", "NothingToPredict", "RolledBack")
"""Executions that fail because of data, of a weak model or of a person: a decision, not an illness.

So is a version that was rolled back: the one before serves, people are told, and the version is withdrawn. Where that
could not be put back it is an illness (NotPromoted), and so is an artefact that is not the one evaluated (Refused).
"""

PASSING: Final = 2  # errors of dispatch in a minute that may be a throttled call; what stays is tried five times


def alarm_names(names: Names, models: Iterable[str]) -> tuple[str, ...]:
    """The alarms of a stage with these models: one for the system, one for every ten endpoints."""
    return (_system(names), *_endpoint_groups(names, models))


class SystemHealth(Construct):
    """One alarm: letters are dead, dispatch fails, or executions fail that no decision explains."""

    def __init__(
        self, scope: Construct, id_: str, *, names: Names, dead: Iterable[sqs.IQueue], dispatch: lambda_.IFunction
    ) -> None:
        super().__init__(scope, id_)
        failed = cloudwatch.Metric(
            namespace="AWS/Events",
            metric_name="TriggeredRules",
            dimensions_map={"RuleName": self._failed_executions(names).rule_name},
            period=PERIOD,
            statistic="Sum",
        )
        letters = {
            f"dead{number}": queue.metric_approximate_number_of_messages_visible(period=PERIOD, statistic="Maximum")
            for number, queue in enumerate(dead)
        }
        ills = cloudwatch.MathExpression(
            expression=" + ".join(f"FILL({key}, 0)" for key in (*letters, "failed"))
            + f" + IF(FILL(errors, 0) > {PASSING}, 1, 0)",
            label="ills",
            period=PERIOD,
            using_metrics={
                **letters,
                "failed": failed,
                "errors": dispatch.metric_errors(period=PERIOD, statistic="Sum"),
            },
        )
        _alarm(self, "Alarm", _system(names), "letters are dead, dispatch fails or executions failed", ills)

    def _failed_executions(self, names: Names) -> events.Rule:
        """A rule that only counts: it has no target, and EventBridge says how often it matched."""
        ill = [
            {"status": ["TIMED_OUT"]},
            {"status": ["FAILED"], "error": [{"anything-but": list(DECISIONS)}]},
            {"status": ["FAILED"], "error": [{"exists": False}]},
        ]
        machines = [names.machine_arn(workflow) for workflow in ("retrain", "rollout", "batch")]
        pattern = events.EventPattern(
            source=["aws.states"],
            detail_type=["Step Functions Execution Status Change"],
            detail={"stateMachineArn": machines, "$or": ill},
        )
        return events.Rule(self, "FailedExecutions", event_pattern=pattern)


class EndpointHealth(Construct):
    """One alarm for every ten models: their endpoints, given by model, answer with errors of their own (5XX)."""

    def __init__(self, scope: Construct, id_: str, *, names: Names, endpoints: Mapping[str, str]) -> None:
        super().__init__(scope, id_)
        for name, group in _endpoint_groups(names, endpoints).items():
            metrics = dict(_endpoint_errors(endpoints[model] for model in group))
            summed = cloudwatch.MathExpression(
                expression=" + ".join(f"FILL({key}, 0)" for key in metrics),
                label="5XX",
                period=PERIOD,
                using_metrics=metrics,
            )
            _alarm(self, name.rpartition("-")[2], name, f"endpoints fail among {', '.join(group)}", summed)


def _system(names: Names) -> str:
    return names.alarm("health")


def _endpoint_groups(names: Names, models: Iterable[str]) -> dict[str, tuple[str, ...]]:
    groups = enumerate(batched(sorted(models), METRICS), start=1)
    return {names.alarm(f"endpoints-{number}"): group for number, group in groups}


def _endpoint_errors(endpoints: Iterable[str]) -> Iterator[tuple[str, cloudwatch.IMetric]]:
    for number, endpoint in enumerate(endpoints):
        yield (
            f"m{number}",
            cloudwatch.Metric(
                namespace="AWS/SageMaker",
                metric_name="Invocation5XXErrors",
                dimensions_map={"EndpointName": endpoint, "VariantName": VARIANT},
                period=PERIOD,
                statistic="Sum",
            ),
        )


def _alarm(scope: Construct, id_: str, name: str, when: str, metric: cloudwatch.IMetric) -> None:
    cloudwatch.Alarm(
        scope,
        id_,
        alarm_name=name,
        alarm_description=f"{when} (`retide status` and `retide runs` say more)",
        metric=metric,
        comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
        threshold=0,
        evaluation_periods=1,
        treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
    )
