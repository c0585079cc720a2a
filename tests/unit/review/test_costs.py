"""What a stage costs at rest, by the retrain and by the prediction."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from infra.review.costs import IDLE, PREDICTIONS, RETRAIN, Cost, CostChange, Prices, cost_changes, costs
from infra.review.templates import Assembly
from tests.unit.review.stages import Json, stage

PRICES: Final = Prices(
    region="us-east-1",
    as_of="2026-11",
    note="",
    prices={
        "lambda_gib_second": 2.0,
        "lambda_request": 1.0,
        "sqs_request": 0.5,
        "state_transition": 10.0,
        "scheduler_invocation": 4.0,
        "alarm_metric_month": 0.1,
        "dashboard_month": 3.0,
        "kms_key_month": 1.0,
        "secret_month": 0.4,
        "serverless_gib_second": 3.0,
    },
    instances={"ml.m5.large": 36.0},
    assumptions={
        "job_seconds": 100,
        "step_seconds": 2.0,
        "prediction_seconds": 0.01,
        "polls_per_month": 8,
        "minutes_per_month": 60,
    },
)
FUNCTION: Final[Json] = {"Type": "AWS::Lambda::Function", "Properties": {"MemorySize": 512}}


def at_rest(**resources: Json) -> dict[str, float | None]:
    return {one.what: one.usd for one in costs(stage(**resources), {}, PRICES) if one.unit == IDLE}


def contract(instance: str = "ml.m5.large", memory: int = 2048) -> Json:
    return {"training": {"instance_type": instance}, "serving": {"memory_mib": memory}}


def made(kind: str, **properties: Any) -> Json:
    return {"Type": kind, "Properties": properties}


def test_what_is_paid_by_use_alone_costs_nothing_at_rest() -> None:
    assert at_rest(F=FUNCTION, Q=made("AWS::SQS::Queue"), B=made("AWS::S3::Bucket")) == {}


@pytest.mark.parametrize(
    ("resource", "usd"),
    [
        (made("AWS::KMS::Key"), 1.0),
        (made("AWS::SecretsManager::Secret"), 0.4),
        (made("AWS::CloudWatch::Dashboard"), 3.0),
        (made("AWS::CloudWatch::Alarm", MetricName="Errors"), 0.1),
        (made("AWS::CloudWatch::Alarm", Metrics=[{"Expression": "a+b"}, {"MetricStat": {}}, {"MetricStat": {}}]), 0.2),
        (made("AWS::Scheduler::Schedule", ScheduleExpression="rate(30 minutes)"), 8.0),
        (made("AWS::Events::Rule", ScheduleExpression="rate(1 hour)"), 4.0),
        (made("AWS::Scheduler::Schedule", ScheduleExpression="cron(0 0 * * ? *)"), 60 / 1440 * 4.0),
    ],
)
def test_what_costs_while_nothing_happens(resource: Json, usd: float) -> None:
    assert at_rest(Thing=resource) == {"stack/Thing": pytest.approx(usd)}


@pytest.mark.parametrize("source", ["arn:aws:sqs:us-east-1:1:q", {"Fn::GetAtt": ["Queue", "Arn"]}])
def test_a_queue_that_feeds_a_function_is_polled_for_money(source: Any) -> None:
    mapping = made("AWS::Lambda::EventSourceMapping", EventSourceArn=source)
    assert at_rest(Mapping=mapping, Queue=made("AWS::SQS::Queue")) == {"stack/Mapping (polling)": 4.0}


def test_a_stream_that_feeds_a_function_is_not() -> None:
    mapping = made("AWS::Lambda::EventSourceMapping", EventSourceArn={"Fn::GetAtt": ["Table", "StreamArn"]})
    assert at_rest(Mapping=mapping, Table=made("AWS::DynamoDB::Table")) == {}


def test_a_schedule_also_pays_for_the_function_that_it_calls() -> None:
    schedule = made("AWS::Scheduler::Schedule", ScheduleExpression="rate(1 hour)", Target={"Fn::GetAtt": ["F", "Arn"]})
    assert at_rest(F=FUNCTION, S=schedule) == {"stack/S": 4.0 + 1.0 + 0.5 * 2.0 * 2.0}


def machine() -> Assembly:
    definition = json.dumps({"States": {"A": {"Type": "Task"}, "B": {"Type": "Succeed"}}})
    body = {"Fn::Join": ["", [definition]]}
    properties = {"DefinitionString": body, "DefinitionSubstitutions": {"A": {"Fn::GetAtt": ["F", "Arn"]}}}
    return stage(F=FUNCTION, M={"Type": "AWS::StepFunctions::StateMachine", "Properties": properties})


def test_a_retrain_costs_its_two_jobs_its_states_and_its_functions() -> None:
    (retrain,) = (one for one in costs(machine(), {"churn": contract()}, PRICES) if one.unit == RETRAIN)
    assert retrain.what == "churn"
    assert retrain.usd == pytest.approx(2 * 36.0 * 100 / 3600 + 2 * 10.0 + 1.0 + 2.0)


def test_predictions_cost_by_the_memory_of_the_endpoint() -> None:
    (predictions,) = (one for one in costs(machine(), {"churn": contract()}, PRICES) if one.unit == PREDICTIONS)
    assert predictions.usd == pytest.approx(1000 * 2.0 * 0.01 * 3.0)


def test_an_instance_without_a_known_price_is_not_taken_for_free() -> None:
    (retrain,) = (one for one in costs(machine(), {"churn": contract("ml.p9.huge")}, PRICES) if one.unit == RETRAIN)
    assert retrain.usd is None


def test_only_what_costs_otherwise_than_before_is_told() -> None:
    before = [Cost(IDLE, "same", 1.0), Cost(IDLE, "gone", 2.0), Cost(RETRAIN, "churn", 3.0)]
    after = [Cost(IDLE, "same", 1.005), Cost(RETRAIN, "churn", 4.0), Cost(IDLE, "new", 5.0)]
    assert cost_changes(before, after) == [
        CostChange(IDLE, "gone", 2.0, None),
        CostChange(RETRAIN, "churn", 3.0, 4.0),
        CostChange(IDLE, "new", None, 5.0),
    ]


def test_every_price_in_the_file_is_a_positive_number_with_its_source_and_date() -> None:
    prices = Prices.load()
    assert min([*prices.prices.values(), *prices.instances.values(), *prices.assumptions.values()]) > 0
    assert "not verified" in prices.note
    assert set(PRICES.prices) == set(prices.prices)
    assert set(PRICES.assumptions) == set(prices.assumptions)
