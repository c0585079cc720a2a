"""Calls that go wrong on request: which of them, how, and before or after they were carried out."""

from __future__ import annotations

from typing import Any, Final

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from retide.local.interfaces import LocalCloudError
from tests.contract.local.account import task
from tests.contract.local.troubled import Troubled

THROTTLED: Final[list[tuple[str, str, dict[str, Any], str, int]]] = [
    ("s3", "ListBuckets", {}, "SlowDown", 503),
    ("sqs", "ListQueues", {}, "RequestThrottled", 400),
    ("dynamodb", "ListTables", {}, "ThrottlingException", 400),
    ("lambda", "ListFunctions", {}, "TooManyRequestsException", 429),
    ("sns", "ListTopics", {}, "ThrottlingException", 400),
    ("ec2", "DescribeVpcs", {}, "ThrottlingException", 400),
    ("sagemaker", "ListModels", {}, "ThrottlingException", 400),
    ("scheduler", "ListSchedules", {}, "ThrottlingException", 400),
    ("stepfunctions", "ListStateMachines", {}, "ThrottlingException", 400),
]


@pytest.mark.parametrize(("service", "operation", "members", "code", "status"), THROTTLED, ids=str)
def test_a_throttled_call_is_refused_in_the_service_s_own_words_and_the_next_one_works(
    troubled: Troubled, service: str, operation: str, members: dict[str, Any], code: str, status: int
) -> None:
    client = troubled.account.client(service)
    call = getattr(client, "_".join(_words(operation)))
    troubled.running.inject("call", "throttle", service=service, operation=operation)

    with pytest.raises(ClientError) as refused:
        call(**members)

    assert refused.value.response["Error"]["Code"] == code
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert call(**members)["ResponseMetadata"]["HTTPStatusCode"] == 200


def _words(operation: str) -> list[str]:
    starts = [at for at, letter in enumerate(operation) if letter.isupper()]
    return [operation[start:end].lower() for start, end in zip(starts, [*starts[1:], len(operation)], strict=True)]


def test_a_fault_strikes_the_nth_matching_call_and_as_often_as_was_asked(troubled: Troubled) -> None:
    bucket = troubled.bucket()
    troubled.running.inject("call", "throttle", service="s3", operation="PutObject", nth=2, times=2, resource="/a")

    outcomes = [_put(troubled, bucket, key) for key in ("a1", "b", "a2", "a3", "a4")]

    assert outcomes == ["written", "written", "SlowDown", "SlowDown", "written"]
    (fault,) = troubled.running.faults()
    assert (fault["seen"], fault["struck"], fault["used_up"]) == (4, 2, True)


def _put(troubled: Troubled, bucket: str, key: str) -> str:
    try:
        troubled.account.s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return "written"


def test_a_failed_call_has_the_error_the_message_and_the_status_that_were_asked_for(troubled: Troubled) -> None:
    troubled.running.inject(
        "call", "fail", service="dynamodb", operation="ListTables", error="AccessDeniedException", message="not you"
    )

    with pytest.raises(ClientError, match=r"AccessDeniedException.*not you"):
        troubled.account.client("dynamodb").list_tables()


@pytest.mark.parametrize(("when", "written"), [("before", []), ("after", ["key"])])
def test_a_call_that_times_out_may_have_been_carried_out(troubled: Troubled, when: str, written: list[str]) -> None:
    bucket = troubled.bucket()
    troubled.running.inject("call", "timeout", service="s3", operation="PutObject", when=when)

    with pytest.raises(ConnectionClosedError):
        troubled.account.s3.put_object(Bucket=bucket, Key="key", Body=b"x")

    assert troubled.keys(bucket) == written


@pytest.mark.parametrize(("when", "written"), [("before", ["1"]), ("after", ["1", "2"])])
def test_a_function_is_killed_before_or_after_its_nth_call(troubled: Troubled, when: str, written: list[str]) -> None:
    function, bucket = troubled.writer(), troubled.bucket()
    troubled.running.inject("call", "kill", service="s3", operation="PutObject", when=when, nth=2, caller=function)

    answer = troubled.write(function, bucket, "1", "2", "3")

    assert answer["errorType"] == "Runtime.ExitError"
    assert troubled.keys(bucket) == written
    assert troubled.write(function, bucket, "3") == "done"


def test_only_the_caller_that_was_named_is_struck(troubled: Troubled) -> None:
    one, other, bucket = troubled.writer(), troubled.writer(), troubled.bucket()
    troubled.running.inject("call", "kill", service="s3", operation="PutObject", caller=f"function:{one}", times=0)

    assert troubled.write(other, bucket, "a") == "done"
    assert troubled.write(one, bucket, "b")["errorType"] == "Runtime.ExitError"
    troubled.account.s3.put_object(Bucket=bucket, Key="c", Body=b"x")
    assert troubled.keys(bucket) == ["a", "c"]


def test_a_call_of_a_person_is_never_killed(troubled: Troubled) -> None:
    troubled.running.inject("call", "kill", service="s3", operation="ListBuckets", times=0)

    assert troubled.account.s3.list_buckets()["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert troubled.struck() == [0]


@pytest.mark.parametrize(
    ("fault", "error", "done"),
    [
        ({"effect": "throttle"}, "Lambda.TooManyRequestsException", False),
        ({"effect": "fail", "error": "ServiceException"}, "Lambda.ServiceException", False),
        ({"effect": "timeout"}, "States.Timeout", False),
        ({"effect": "timeout", "when": "after"}, "States.Timeout", True),
    ],
    ids=str,
)
def test_a_task_of_a_state_machine_fails_by_the_name_that_retry_and_catch_know(
    troubled: Troubled, fault: dict[str, Any], error: str, done: bool
) -> None:
    function, bucket = troubled.writer(), troubled.bucket()
    troubled.running.inject("call", **fault, service="lambda", operation="Invoke", resource=function)

    ended = troubled.account.run({"Do": task(function)}, {"bucket": bucket, "keys": ["a"]})

    assert (ended["status"], ended["error"]) == ("FAILED", error)
    assert troubled.keys(bucket) == (["a"] if done else [])


def test_a_retry_of_the_machine_outlives_as_many_faults_as_it_allows(troubled: Troubled) -> None:
    function, bucket = troubled.writer(), troubled.bucket()
    troubled.running.inject("call", "throttle", service="lambda", operation="Invoke", resource=function, times=2)
    retry = [{"ErrorEquals": ["Lambda.TooManyRequestsException"], "MaxAttempts": 2}]

    ended = troubled.account.run({"Do": task(function, Retry=retry)}, {"bucket": bucket, "keys": ["a"]})

    assert ended["status"] == "SUCCEEDED"
    assert troubled.struck() == [2]


@pytest.mark.parametrize(
    ("fault", "optimized", "sdk"),
    [
        ({"effect": "fail", "error": "ResourceLimitExceeded"}, *["ResourceLimitExceededException"] * 2),
        ({"effect": "throttle"}, "AmazonSageMakerException", "SageMakerException"),
    ],
    ids=["of a class of its own", "of no class"],
)
def test_tasks_of_sagemaker_fail_as_each_integration_words_it(
    troubled: Troubled, fault: dict[str, Any], optimized: str, sdk: str
) -> None:
    troubled.running.inject("call", **fault, service="sagemaker", operation="CreateModel", times=0)
    state = {"Type": "Task", "Parameters": {"ModelName": "m"}, "End": True}

    names = [
        troubled.account.run({"Make": {**state, "Resource": f"arn:aws:states:::{resource}"}})["error"]
        for resource in ("sagemaker:createModel", "aws-sdk:sagemaker:createModel")
    ]

    assert names == [f"SageMaker.{optimized}", f"SageMaker.{sdk}"]


def test_faults_are_listed_and_taken_back(troubled: Troubled) -> None:
    names = [
        troubled.running.inject("call", "throttle", service="s3", operation="ListBuckets"),
        troubled.running.inject("job", "kill"),
        troubled.running.inject("delivery", "drop"),
    ]

    assert [(fault["id"], fault["kind"]) for fault in troubled.running.faults()] == list(
        zip(names, ("call", "job", "delivery"), strict=True)
    )
    troubled.running.clear_faults()
    assert troubled.running.faults() == []
    assert troubled.account.s3.list_buckets()["ResponseMetadata"]["HTTPStatusCode"] == 200


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ({"kind": "weather", "effect": "rain"}, "one of call, delivery, job"),
        ({"kind": "call", "effect": "throttle"}, "needs service, operation"),
        ({"kind": "call", "effect": "throttle", "service": "s4", "operation": "Put"}, "no client 's4'.*s3"),
        ({"kind": "call", "effect": "throttle", "service": "s3", "operation": "Putobject"}, "PutObject"),
        ({"kind": "call", "effect": "melt", "service": "s3", "operation": "PutObject"}, "'throttle', 'fail'"),
        ({"kind": "call", "effect": "fail", "service": "s3", "operation": "PutObject"}, "name the error"),
        ({"kind": "call", "effect": "throttle", "service": "s3", "operation": "PutObject", "nth": 0}, "nth is 0"),
        ({"kind": "job", "effect": "kill", "nam": "x"}, "no field 'nam'"),
        ({"kind": "job", "effect": "kill", "when": "after"}, "only 'fail' and 'stop'"),
        ({"kind": "delivery", "effect": "reorder", "window": 1}, "window 1"),
        ({"kind": "delivery", "effect": "delay", "seconds": "5"}, "give a float"),
    ],
    ids=str,
)
def test_a_fault_that_could_never_strike_is_refused_in_words(
    troubled: Troubled, fault: dict[str, Any], says: str
) -> None:
    with pytest.raises(LocalCloudError, match=says):
        troubled.running.inject(**fault)
    assert troubled.running.faults() == []
