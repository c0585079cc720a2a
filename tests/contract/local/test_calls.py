"""The record of calls: who called what in which role, in order, within bounds."""

from __future__ import annotations

import json

import pytest

from retide.local.calls import Call, CallLog
from retide.local.interfaces import LocalCloudError
from tests.contract.local.account import ROLE, task
from tests.contract.local.troubled import Troubled
from tests.patience import eventually

MACHINE_ROLE = ROLE


def call(number: int) -> Call:
    return Call("caller", "role", "s3", f"Operation{number}", ("s3:GetObject",), "arn")


def test_the_log_of_calls_keeps_the_newest_and_says_how_many_it_forgot() -> None:
    log = CallLog(kept=3)
    for number in range(1, 6):
        log.record(call(number), 200)

    told = log.after(0)

    assert [entry["operation"] for entry in told["calls"]] == ["Operation3", "Operation4", "Operation5"]
    assert (told["forgotten"], told["last"]) == (2, 5)
    assert log.after(4)["forgotten"] == 0
    assert [entry["number"] for entry in log.after(4)["calls"]] == [5]


def test_an_empty_log_has_forgotten_nothing() -> None:
    assert CallLog().after(0) == {"calls": [], "forgotten": 0, "last": 0}


def test_a_function_s_calls_are_written_down_with_its_role_and_what_iam_would_check(troubled: Troubled) -> None:
    role = "arn:aws:iam::000000000000:role/writers"
    function, bucket, since = troubled.writer(role), troubled.bucket(), troubled.now()

    troubled.write(function, bucket, "deep/a.csv")

    (put,) = [entry for entry in troubled.calls(service="s3", since=since) if entry["role"]]
    assert put["caller"].endswith(f":function:{function}")
    assert (put["role"], put["operation"], put["status"]) == (role, "PutObject", 200)
    assert (put["actions"], put["resource"]) == (["s3:PutObject"], f"arn:aws:s3:::{bucket}/deep/a.csv")


def test_a_machine_s_calls_are_written_down_with_its_role_and_the_error_by_name(troubled: Troubled) -> None:
    function, bucket, since = troubled.writer(), troubled.bucket(), troubled.now()
    ended = troubled.account.run({"Do": task(function)}, {"bucket": bucket, "keys": []})
    failed = troubled.account.run({"Do": task("nobody")})

    calls = [entry for entry in troubled.calls(service="lambda", since=since) if entry["role"] == MACHINE_ROLE]

    assert [(entry["caller"], entry["actions"], entry["status"]) for entry in calls] == [
        (ended["executionArn"], ["lambda:InvokeFunction"], 200),
        (failed["executionArn"], ["lambda:InvokeFunction"], "Lambda.ResourceNotFoundException"),
    ]
    assert calls[0]["resource"].endswith(f":function:{function}")


def test_the_items_of_a_transaction_are_the_actions_that_iam_checks(troubled: Troubled) -> None:
    dynamodb, name = troubled.account.client("dynamodb"), troubled.account.name("table")
    key = [{"AttributeName": "id", "KeyType": "HASH"}]
    types = [{"AttributeName": "id", "AttributeType": "S"}]
    dynamodb.create_table(TableName=name, KeySchema=key, AttributeDefinitions=types, BillingMode="PAY_PER_REQUEST")
    since = troubled.now()

    put = {"Put": {"TableName": name, "Item": {"id": {"S": "1"}}}}
    delete = {"Delete": {"TableName": name, "Key": {"id": {"S": "2"}}}}
    dynamodb.transact_write_items(TransactItems=[put, delete])

    (entry,) = troubled.calls(service="dynamodb", since=since)
    assert entry["operation"] == "TransactWriteItems"
    assert sorted(entry["actions"]) == ["dynamodb:DeleteItem", "dynamodb:PutItem"]
    assert entry["resource"].endswith(f":table/{name}")


def test_what_aws_calls_for_a_rule_and_for_a_function_is_written_down_too(troubled: Troubled) -> None:
    url, arn = troubled.account.queue()
    function, bucket = troubled.writer(), troubled.bucket()
    troubled.account.rule({"source": ["tide"]}, arn, Input=json.dumps({"bucket": bucket}))
    since = troubled.now()
    troubled.account.functions.create_event_source_mapping(EventSourceArn=arn, FunctionName=function)
    troubled.account.put_event("tide")

    def for_others() -> set[tuple[str, str]] | None:
        """The mapping may look for messages before the first one is sent: their order says nothing."""
        found = [entry for entry in troubled.calls(service="sqs", since=since) if entry["resource"] == arn]
        roles = {(entry["operation"], entry["role"]) for entry in found}
        return roles if {"SendMessage", "ReceiveMessage"} <= {operation for operation, _ in roles} else None

    seen = eventually(for_others, "the mapping takes the message")
    assert {("SendMessage", "events.amazonaws.com"), ("ReceiveMessage", ROLE)} <= seen
    assert url


def test_a_call_that_was_struck_is_written_down_with_what_became_of_it(troubled: Troubled) -> None:
    function, bucket, since = troubled.writer(), troubled.bucket(), troubled.now()
    troubled.running.inject("call", "kill", service="s3", operation="PutObject", caller=function)

    troubled.write(function, bucket, "a")

    struck = [entry["status"] for entry in troubled.calls(service="s3", since=since) if function in entry["caller"]]
    assert struck == ["no answer"]


def test_a_request_that_is_no_json_is_refused_by_its_service_and_not_by_the_record(troubled: Troubled) -> None:
    import urllib3

    headers = {"x-amz-target": "SageMaker.ListModels", "content-type": "application/x-amz-json-1.1"}
    scope = "Credential=test/20260101/us-east-1/sagemaker/aws4_request"
    signed = headers | {"authorization": f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0"}

    answer = urllib3.request("POST", troubled.running.endpoint_url, body=b"{no json", headers=signed)

    assert (answer.status, answer.json()["__type"]) == (400, "SerializationException")


def test_a_schedule_is_fired_on_request_and_only_then(troubled: Troubled) -> None:
    function, bucket = troubled.writer(), troubled.bucket()
    arn = troubled.account.functions.get_function(FunctionName=function)["Configuration"]["FunctionArn"]
    name = troubled.account.name("yearly")
    wish = json.dumps({"bucket": bucket, "keys": ["fired"]})
    troubled.account.client("scheduler").create_schedule(
        Name=name,
        ScheduleExpression="rate(365 days)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": arn, "RoleArn": ROLE, "Input": wish},
    )

    assert troubled.running.fire_schedule("yearly") == name

    assert eventually(lambda: troubled.keys(bucket), "what the schedule wrote") == ["fired"]


def test_a_rule_with_a_schedule_is_fired_alike_and_a_disabled_one_is_not(troubled: Troubled) -> None:
    url, arn = troubled.account.queue()
    name = troubled.account.name("hourly")
    troubled.account.events.put_rule(Name=name, ScheduleExpression="rate(1 hour)")
    troubled.account.events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": arn}])

    troubled.running.fire_schedule(name)
    (body,) = troubled.bodies(url)
    troubled.account.events.disable_rule(Name=name)

    assert json.loads(body)["detail-type"] == "Scheduled Event"
    with pytest.raises(LocalCloudError, match="DISABLED: enable it first"):
        troubled.running.fire_schedule(name)


def test_a_schedule_that_there_is_not_is_answered_with_those_that_there_are(troubled: Troubled) -> None:
    with pytest.raises(LocalCloudError, match="0 schedules are called 'never'"):
        troubled.running.fire_schedule("never")
