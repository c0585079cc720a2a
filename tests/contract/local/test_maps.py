"""Distributed Maps of the local cloud: items that lie in S3, and what our adapter learns of one that failed."""

from __future__ import annotations

import json

from retide.aws.executions import StepFunctions
from retide.domain.record import Failure
from tests.contract.local.account import Account, Json

EACH: Json = {
    "Fine?": {
        "Type": "Choice",
        "Choices": [{"Variable": "$.fine", "BooleanEquals": True, "Next": "Fine"}],
        "Default": "Broken",
    },
    "Fine": {"Type": "Pass", "OutputPath": None, "End": True},
    "Broken": {"Type": "Fail", "ErrorPath": "$.error", "CausePath": "$.cause"},
}
CAUSE = json.dumps({"ProcessingJobStatus": "Stopped"})


def spread(account: Account, *items: Json) -> Json:
    """Run a distributed Map over items that stand in S3; the execution as it ended."""
    bucket = account.name("items")
    account.s3.create_bucket(Bucket=bucket)
    account.s3.put_object(Bucket=bucket, Key="runs/items.json", Body=json.dumps(items).encode())
    processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        "StartAt": "Fine?",
        "States": EACH,
    }
    reader = {
        "Resource": "arn:aws:states:::s3:getObject",
        "ReaderConfig": {"InputType": "JSON"},
        "Parameters": {"Bucket": bucket, "Key.$": "$.list"},
    }
    state = {"Type": "Map", "Label": "objects", "ItemReader": reader, "ItemProcessor": processor, "End": True}
    return account.run({"All": state}, {"list": "runs/items.json"})


def test_items_that_lie_in_s3_are_executions_of_their_own(ours: Account) -> None:
    ended = spread(ours, {"fine": True}, {"fine": True}, {"fine": True})
    assert (ended["status"], json.loads(ended["output"])) == ("SUCCEEDED", [{}, {}, {}])
    (run,) = ours.states.list_map_runs(executionArn=ended["executionArn"])["mapRuns"]
    listed = ours.states.list_executions(mapRunArn=run["mapRunArn"])["executions"]
    assert len({item["executionArn"] for item in listed}) == 3
    assert all("/objects:" in item["executionArn"] for item in listed)


def test_an_item_that_failed_tells_why_where_its_map_does_not(ours: Account) -> None:
    broken = {"fine": False, "error": "States.TaskFailed", "cause": CAUSE}
    ended = spread(ours, {"fine": True}, broken)
    assert (ended["status"], ended["error"]) == ("FAILED", "States.ExceedToleratedFailureThreshold")
    found = StepFunctions(ours.states, {}).failed_item(ended["executionArn"])
    assert found == Failure("States.TaskFailed", CAUSE)
    assert found.outcome == "stopped"


def test_a_map_whose_items_all_came_to_their_end_knows_of_no_failure(ours: Account) -> None:
    ended = spread(ours, {"fine": True})
    assert StepFunctions(ours.states, {}).failed_item(ended["executionArn"]) is None


def test_an_execution_without_such_a_map_knows_of_no_failure(ours: Account) -> None:
    ended = ours.run({"Stop": {"Type": "Fail", "Error": "Own", "Cause": "own"}})
    assert StepFunctions(ours.states, {}).failed_item(ended["executionArn"]) is None
