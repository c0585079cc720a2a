"""CodePipeline's and CodeBuild's answers, in shapes that botocore checks, read as values."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from retide.cli.delivery.builds import Build, Builds, reason
from retide.cli.delivery.pipeline import Approval, Pipeline, Place
from retide.cli.failures import CliError
from tests.unit.cli.deliveries import minute

FAILED = "Error while executing command: make test. Reason: exit status 2"


def stubbed(service: str) -> tuple[Any, Stubber]:
    client = boto3.client(service, region_name="us-east-1")  # type: ignore[call-overload]
    return client, Stubber(client)


def answered(*answers: tuple[str, dict[str, Any]]) -> Pipeline:
    """A pipeline whose client gives these answers, in this order."""
    client, stubber = stubbed("codepipeline")
    for operation, answer in answers:
        stubber.add_response(operation, answer)
    stubber.activate()
    return Pipeline(client, "the local cloud")


SOURCE = {
    "name": "Source",
    "actionTypeId": {"category": "Source", "owner": "AWS", "provider": "CodeStarSourceConnection", "version": "1"},
    "configuration": {"FullRepositoryId": "local/retide", "BranchName": "main", "ConnectionArn": "arn"},
}
PIPELINE = {
    "name": "retide-delivery",
    "roleArn": "arn:aws:iam::000000000000:role/r",
    "version": 1,
    "stages": [{"name": "Source", "actions": [SOURCE]}, {"name": "Build", "actions": []}],
    "triggers": [
        {
            "providerType": "CodeStarSourceConnection",
            "gitConfiguration": {
                "sourceActionName": "Source",
                "push": [{"branches": {"includes": ["main"]}, "filePaths": {"excludes": ["docs/**"]}}],
            },
        }
    ],
}


def test_a_pipeline_is_read_with_its_source_its_filter_and_its_stages() -> None:
    found = answered(("get_pipeline", {"pipeline": PIPELINE})).definition()
    assert (found.repository, found.branch, found.stages) == ("local/retide", "main", ("Source", "Build"))
    (push,) = found.trigger.filters
    assert push.files is not None
    assert (push.files.admit("docs/a.md"), push.files.admit("infra/app.py")) == (False, True)


def test_a_stage_is_watched_for_as_long_as_its_slowest_rule() -> None:
    def rule(minutes: str) -> dict[str, Any]:
        kind = {"category": "Rule", "provider": "CloudWatchAlarm"}
        return {"name": f"r{minutes}", "ruleTypeId": kind, "configuration": {"AlarmName": "a", "WaitTime": minutes}}

    conditions = [{"result": "ROLLBACK", "rules": [rule("7"), rule("10")]}]
    production = {"name": "Production", "actions": [], "onSuccess": {"conditions": conditions}}
    pipeline = {**PIPELINE, "stages": [*PIPELINE["stages"], production]}  # type: ignore[misc]
    found = answered(("get_pipeline", {"pipeline": pipeline})).definition()
    assert found.watches == {"Production": timedelta(minutes=10)}


def test_a_pipeline_that_is_not_there_says_what_makes_it() -> None:
    client, stubber = stubbed("codepipeline")
    stubber.add_client_error("get_pipeline", "PipelineNotFoundException")
    stubber.activate()
    with pytest.raises(CliError, match="no pipeline retide-delivery in the local cloud: `retide remote` makes one"):
        Pipeline(client, "the local cloud").definition()


def test_executions_are_read_page_after_page_and_a_rollback_is_told_apart() -> None:
    one: dict[str, Any] = {"status": "Succeeded", "startTime": minute(1), "lastUpdateTime": minute(2)}
    first = {**one, "pipelineExecutionId": "e2", "executionType": "ROLLBACK"}
    second = {**one, "pipelineExecutionId": "e1", "sourceRevisions": [{"actionName": "Source", "revisionId": "c1"}]}
    pages: list[tuple[str, dict[str, Any]]] = [
        ("list_pipeline_executions", {"pipelineExecutionSummaries": [first], "nextToken": "more"}),
        ("list_pipeline_executions", {"pipelineExecutionSummaries": [second]}),
    ]
    found = answered(*pages).executions()
    assert [(one.id, one.commit, one.rollback) for one in found] == [("e2", "", True), ("e1", "c1", False)]


def test_actions_come_in_the_order_of_their_start_with_their_build_and_their_error() -> None:
    def raw(stage: str, at: float, **more: Any) -> dict[str, Any]:
        kind = {"category": "Build", "owner": "AWS", "provider": "CodeBuild", "version": "1"}
        return {
            "pipelineExecutionId": "e1",
            "actionExecutionId": stage,
            "stageName": stage,
            "actionName": stage,
            "startTime": minute(at),
            "lastUpdateTime": minute(at + 1),
            "input": {"actionTypeId": kind},
            **more,
        }

    failed = {"externalExecutionId": "retide-build:1", "errorDetails": {"code": "JobFailed", "message": "terminated"}}
    details = [
        raw("Staging", 5, status="InProgress"),
        raw("Build", 1, status="Failed", output={"executionResult": failed}),
    ]
    found = answered(("list_action_executions", {"actionExecutionDetails": details})).actions("e1")
    assert [(one.stage, one.build, one.error, one.running) for one in found] == [
        ("Build", "retide-build:1", "terminated", False),
        ("Staging", "", "", True),
    ]


def test_an_approval_is_found_by_the_execution_that_waits_for_it() -> None:
    waiting = {"actionName": "Approval", "latestExecution": {"status": "InProgress", "token": "t"}}
    done = {"actionName": "Staging", "latestExecution": {"status": "InProgress"}}
    states = [
        {"stageName": "Staging", "actionStates": [done], "latestExecution": execution("e2")},
        {"stageName": "Approval", "actionStates": [waiting], "latestExecution": execution("e1")},
    ]
    answer = ("get_pipeline_state", {"stageStates": states})
    assert answered(answer).approval("e1") == Approval("Approval", "Approval", "t")
    assert answered(answer).approval("e2") is None


def test_every_execution_under_way_has_its_place_and_those_that_ended_have_none() -> None:
    latest = {"status": "InProgress", "lastStatusChange": minute(3)}
    watched = {"latestExecution": {"status": "InProgress"}, "conditionStates": [{"latestExecution": latest}]}
    states: list[dict[str, Any]] = [
        {"stageName": "Build", "latestExecution": {"pipelineExecutionId": "e4", "status": "Failed"}},
        {"stageName": "Staging", "latestExecution": execution("e2"), "inboundExecutions": [execution("e3")]},
        {
            "stageName": "Production",
            "latestExecution": execution("e1"),
            "inboundExecutions": [execution("e0")],
            "onSuccessConditionState": watched,
        },
    ]
    places = answered(("get_pipeline_state", {"stageStates": states})).places({"Production": timedelta(minutes=10)})
    assert places == {
        "e0": Place("Production", waits=True, watched=True, until=minute(13)),
        "e1": Place("Production", watched=True, until=minute(13)),
        "e2": Place("Staging"),
        "e3": Place("Staging", waits=True),
    }


def execution(name: str) -> dict[str, Any]:
    return {"pipelineExecutionId": name, "status": "InProgress"}


def test_a_decision_is_sent_with_the_token_of_the_approval() -> None:
    client, stubber = stubbed("codepipeline")
    expected = {
        "pipelineName": "retide-delivery",
        "stageName": "Approval",
        "actionName": "Ask",
        "result": {"summary": "by ada: no", "status": "Rejected"},
        "token": "t",
    }
    stubber.add_response("put_approval_result", {}, expected)
    stubber.activate()
    Pipeline(client, "here").decide(Approval("Approval", "Ask", "t"), approved=False, summary="by ada: no")
    stubber.assert_no_pending_responses()


def test_a_build_says_which_command_failed_in_which_phase() -> None:
    client, stubber = stubbed("codebuild")
    phases: list[dict[str, Any]] = [
        {"phaseType": "INSTALL", "phaseStatus": "SUCCEEDED"},
        {"phaseType": "BUILD", "phaseStatus": "FAILED", "contexts": [{"statusCode": "X", "message": FAILED}]},
        {"phaseType": "COMPLETED"},
    ]
    logs = {"groupName": "/aws/codebuild/retide-build", "streamName": "s"}
    raw = {"id": "retide-build:1", "buildStatus": "FAILED", "phases": phases, "logs": logs}
    stubber.add_response("batch_get_builds", {"builds": [raw]})
    stubber.activate()
    found = Builds(client, None).find(("retide-build:1",))
    assert found == {
        "retide-build:1": Build(
            "retide-build:1", "FAILED", "BUILD", "make test (exit status 2)", "/aws/codebuild/retide-build", "s"
        )
    }
    assert Builds(client, None).find(()) == {}


@pytest.mark.parametrize(("status", "told"), [("TIMED_OUT", "the build ended as timed out"), ("SUCCEEDED", "")])
def test_a_build_without_a_word_is_told_by_its_status(status: str, told: str) -> None:
    client, stubber = stubbed("codebuild")
    stubber.add_response("batch_get_builds", {"builds": [{"id": "b:1", "buildStatus": status}]})
    stubber.activate()
    assert Builds(client, None).find(("b:1",))["b:1"].reason == told


def test_a_reason_of_several_lines_becomes_one() -> None:
    many = "Error while executing command: make a &&\n  make b. Reason: exit status 1"
    assert reason(many) == "make a && make b (exit status 1)"
    assert reason("YAML_FILE_ERROR:\n no such file") == "YAML_FILE_ERROR: no such file"


def test_the_last_lines_are_the_commands_own_without_colours_and_without_codebuilds() -> None:
    client, stubber = stubbed("logs")
    messages = ["[Container] 2026 Running command make test\n", "\x1b[31mE  assert 1 == 2\x1b[0m\n", "\n", "1 failed\n"]
    messages += ["[Container] 2026 Phase complete: BUILD State: FAILED\n"]
    events = [{"timestamp": place, "message": message} for place, message in enumerate(messages)]
    stubber.add_response("get_log_events", {"events": events})
    stubber.activate()
    build = Build("b:1", "FAILED", group="g", stream="s")
    assert Builds(None, client).last_lines(build, 2) == ("E  assert 1 == 2", "1 failed")


def test_a_log_that_is_gone_has_no_lines() -> None:
    client, stubber = stubbed("logs")
    stubber.add_client_error("get_log_events", "ResourceNotFoundException")
    stubber.activate()
    assert Builds(None, client).last_lines(Build("b:1", "FAILED", group="g", stream="s"), 5) == ()
    assert Builds(None, client).last_lines(Build("b:1", "FAILED"), 5) == ()
