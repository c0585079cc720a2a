"""What a change does to resources: by AWS's own schemas, what is replaced and what is changed in place."""

from __future__ import annotations

from typing import Any

import pytest

from infra.review.resources import Change, Difference, Effect, changes
from tests.unit.review.stages import Json, stage


def of(before: Json | None, after: Json | None) -> list[Change]:
    base, head = (stage(**({"Thing": one} if one else {})) for one in (before, after))
    return changes(base, head)


def resource(kind: str, **properties: Any) -> Json:
    return {"Type": kind, "Properties": properties}


def test_two_equal_stages_show_no_change_of_resources() -> None:
    queue = resource("AWS::SQS::Queue", QueueName="a")
    assert of(queue, queue) == []


def test_where_a_resource_stands_in_the_tree_of_the_cdk_is_no_change() -> None:
    queue = resource("AWS::SQS::Queue")
    assert of(queue, {**queue, "Metadata": {"aws:cdk:path": "stack/Queue/Resource"}}) == []


@pytest.mark.parametrize(
    ("before", "after", "effect"),
    [
        (None, resource("AWS::SQS::Queue"), Effect.ADDED),
        (resource("AWS::SQS::Queue"), None, Effect.REMOVED),
        ({**resource("AWS::S3::Bucket"), "DeletionPolicy": "Retain"}, None, Effect.KEPT),
        (resource("AWS::SQS::Queue", QueueName="a"), resource("AWS::SQS::Queue", QueueName="b"), Effect.REPLACED),
        (resource("AWS::SQS::Queue"), resource("AWS::SQS::Queue", QueueName="b"), Effect.REPLACED),
        (
            resource("AWS::DynamoDB::Table", KeySchema=[{"AttributeName": "a", "KeyType": "HASH"}]),
            resource("AWS::DynamoDB::Table", KeySchema=[{"AttributeName": "b", "KeyType": "HASH"}]),
            Effect.MAYBE_REPLACED,
        ),
        (
            resource("AWS::Lambda::Function", MemorySize=1),
            resource("AWS::Lambda::Function", MemorySize=2),
            Effect.CHANGED,
        ),
        (resource("AWS::SQS::Queue"), {**resource("AWS::SQS::Queue"), "DeletionPolicy": "Delete"}, Effect.CHANGED),
        (resource("Custom::Mine", ServiceToken="a"), resource("Custom::Mine", ServiceToken="b"), Effect.REPLACED),
        (resource("Not::Known::Type", A=1), resource("Not::Known::Type", A=2), Effect.CHANGED),
    ],
)
def test_the_effect_of_a_change_is_the_one_that_cloudformation_would_have(
    before: Json | None, after: Json | None, effect: Effect
) -> None:
    (change,) = of(before, after)
    assert change.effect is effect


def test_a_change_names_the_property_by_its_path_with_both_values() -> None:
    before = resource("AWS::Lambda::Function", Environment={"Variables": {"A": "1", "B": {"Ref": "Queue"}}}, Timeout=3)
    after = resource("AWS::Lambda::Function", Environment={"Variables": {"A": "2", "C": "x" * 300}}, Timeout=3)
    (change,) = of(before, after)
    assert change.differences == (
        Difference("Environment.Variables.A", "1", "2"),
        Difference("Environment.Variables.B", "${Queue}", ""),
        Difference("Environment.Variables.C", "", "x" * 300),
    )
    assert change.differences[-1].shown() == ("", "x" * 160 + "…")


def test_lists_of_one_length_are_compared_item_by_item_and_long_values_shown_where_they_part() -> None:
    before, after = (resource("T", Items=[{"A": 1}, {"B": "x" * 500 + end}]) for end in "yz")
    (change,) = of(before, after)
    (difference,) = change.differences
    assert difference.path == "Items[1].B"
    assert difference.shown() == ("…" + "x" * 40 + "y", "…" + "x" * 40 + "z")
