"""The reconciler's function: what it finds on AWS, and that its failure is seen."""

from __future__ import annotations

import json
from typing import Any

import pytest

from functions.reconcile.handler import NotReconciled, handler
from retide.aws.runtime import runtime
from retide.domain.layout import RunId
from tests.functions.deployment import Deployment


def test_a_dead_letter_comes_back_and_a_lost_run_is_started(deployment: Deployment) -> None:
    event = deployment.put("incoming/m/a.csv", b"person,age,ill\n")
    dead = deployment.environment.arrivals_dlq_url
    deployment.clients.sqs.send_message(QueueUrl=dead, MessageBody=json.dumps(event))
    done = handler({}, None)
    assert done["acts"] == ["sent 1 dead letters to the arrivals again"]
    assert deployment.messages() == [event]
    assert handler({}, None)["outcome"] == "nothing to do"


def test_what_a_function_could_not_do_is_kept_in_the_ledger_and_leaves_its_queue(deployment: Deployment) -> None:
    failures = deployment.environment.failures_queue_url
    typed: Any = {"ErrorMessage": {"DataType": "String", "StringValue": "Task timed out after 240.00 seconds"}}
    deployment.clients.sqs.send_message(
        QueueUrl=failures, MessageBody='{"source": "aws.scheduler"}', MessageAttributes=typed
    )
    (act,) = handler({}, None)["acts"]
    assert act.startswith("a pass of the reconciler failed: Task timed out after 240.00 seconds")
    assert [kept.body for kept in runtime().ledger.parked()] == ['{"source": "aws.scheduler"}']
    left = deployment.clients.sqs.get_queue_attributes(QueueUrl=failures, AttributeNames=["All"])["Attributes"]
    assert left["ApproximateNumberOfMessages"] == left["ApproximateNumberOfMessagesNotVisible"] == "0"


def test_a_run_whose_execution_is_gone_is_taken_over(deployment: Deployment) -> None:
    ledger, arn = runtime().ledger, deployment.environment.retrain_machine_arn.replace(":stateMachine:", ":execution:")
    ledger.take_lease("m", ledger.head("m"), f"{arn}:m-1-1")
    assert handler({}, None)["acts"] == ["m: run m-1-1 died (GONE): it had claimed nothing"]
    head = ledger.head("m")
    assert (head.run("m"), head.owner) == (RunId("m", 1, 2), None)


def test_what_could_not_be_looked_after_is_an_error_of_the_function(
    deployment: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    deployment.clients.sqs.delete_queue(QueueUrl=deployment.environment.arrivals_dlq_url)
    with pytest.raises(NotReconciled, match=r"NonExistentQueue|QueueDoesNotExist"):
        handler({}, None)
    assert '"outcome": "failed"' in capsys.readouterr().err
