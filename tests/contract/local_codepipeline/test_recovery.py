"""What follows a failure: retry by hand and by itself, rollback by hand and by condition."""

from __future__ import annotations

import pytest

from retide.local.codebuild import seam
from retide.local.errors import ApiError
from tests.contract.local_codepipeline.bench import PIPELINE, Bench, approval, build, condition, stage

RETRY = {"onFailure": {"result": "RETRY", "retryConfiguration": {"retryMode": "FAILED_ACTIONS"}}}
ROLLBACK = {"onFailure": {"result": "ROLLBACK"}}


def retry(bench: Bench, execution: str, stage_name: str = "Build", mode: str = "FAILED_ACTIONS") -> None:
    bench.call(
        "RetryStageExecution",
        pipelineName=PIPELINE,
        stageName=stage_name,
        pipelineExecutionId=execution,
        retryMode=mode,
    )
    bench.settle()


def first_deployed(bench: Bench, **members: object) -> tuple[str, str]:
    """A pipeline whose first execution, of one commit, has gone through: gives both."""
    commit = bench.push("a.py")
    execution = bench.create(stage("Build", build()), stage("Deploy", build("Deploy"), **members))
    bench.settle()
    bench.end_build()
    bench.end_build()
    return execution, commit


def built(bench: Bench) -> str:
    """Push a change and see it through Build: gives its execution, which is in Deploy."""
    bench.push("b.py")
    bench.settle()
    bench.end_build()
    return bench.newest()


def test_a_retry_runs_only_what_had_failed(bench: Bench) -> None:
    bench.push("a.py")
    execution = bench.create(stage("Build", build("Lint"), build("Unit")))
    bench.settle()
    bench.end_build()
    bench.end_build("FAILED", "no")

    retry(bench, execution)
    assert bench.status(execution) == "InProgress"
    assert bench.builds.running() == ["unit:3"]
    bench.end_build()

    assert bench.status(execution) == "Succeeded"
    assert bench.stages()["Build"]["retryStageMetadata"]["manualStageRetryAttempt"] == 1


def test_a_retry_of_all_actions_runs_all_again(bench: Bench) -> None:
    bench.push("a.py")
    execution = bench.create(stage("Build", build("Lint"), build("Unit")))
    bench.settle()
    bench.end_build()
    bench.end_build("FAILED", "no")

    retry(bench, execution, mode="ALL_ACTIONS")

    assert bench.builds.running() == ["lint:3", "unit:4"]


def test_a_retry_that_comes_too_late_is_refused(bench: Bench) -> None:
    bench.push("a.py")
    first = bench.create()
    bench.settle()
    with pytest.raises(ApiError, match="StageNotRetryableException"):
        retry(bench, first)
    bench.end_build("FAILED", "no")
    bench.push("b.py")
    bench.settle()

    with pytest.raises(ApiError, match="NotLatestPipelineExecutionException"):
        retry(bench, first)


def test_after_an_update_an_old_execution_cannot_be_retried(bench: Bench) -> None:
    bench.push("a.py")
    execution = bench.create()
    bench.settle()
    bench.end_build("FAILED", "no")
    bench.call("UpdatePipeline", pipeline=bench.declared(roleArn="arn:aws:iam::000000000000:role/other"))

    with pytest.raises(ApiError, match="StageNotRetryableException: The pipeline was updated"):
        retry(bench, execution)


def test_a_stage_that_retries_by_itself_does_so_once(bench: Bench) -> None:
    bench.push("a.py")
    execution = bench.create(stage("Build", build(), **RETRY))
    bench.settle()

    bench.end_build("FAILED", "no")
    assert bench.builds.running() == ["build:2"]
    bench.end_build("FAILED", "no")

    assert bench.status(execution) == "Failed"
    assert bench.builds.running() == []
    assert bench.stages()["Build"]["retryStageMetadata"]["latestRetryTrigger"] == "AutomatedStageRetry"


def test_a_stage_that_rolls_back_runs_again_with_what_had_succeeded(bench: Bench) -> None:
    good, commit = first_deployed(bench, **ROLLBACK)
    bad = built(bench)
    bench.end_build("FAILED", "no")

    rollback = bench.execution(bench.newest())
    assert bench.status(bad) == "Failed"
    assert rollback["trigger"] == {
        "triggerType": "AutomatedRollback",
        "triggerDetail": f"FailedPipelineExecutionId: {bad}",
    }
    assert rollback["executionType"] == "ROLLBACK"
    assert rollback["rollbackMetadata"] == {"rollbackTargetPipelineExecutionId": good}
    assert [one["revisionId"] for one in rollback["artifactRevisions"]] == [commit]
    ours = bench.builds.orders[bench.builds.running()[0]]
    assert ours.project == "deploy"
    assert ours.primary == bench.builds.orders["deploy:2"].primary
    bench.end_build()
    assert bench.status(rollback["pipelineExecutionId"]) == "Succeeded"


def test_a_rollback_goes_before_those_who_wait(bench: Bench) -> None:
    first_deployed(bench, **ROLLBACK)
    built(bench)
    bench.push("c.py")
    bench.settle()
    following = bench.newest()
    bench.builds.end(bench.builds.running()[1])
    bench.settle()
    assert [one["pipelineExecutionId"] for one in bench.stages()["Deploy"]["inboundExecutions"]] == [following]

    bench.end_build("FAILED", "no")

    assert bench.builds.orders[bench.builds.running()[0]].execution_id == bench.newest() != following
    bench.end_build()
    assert bench.builds.orders[bench.builds.running()[0]].execution_id == following


def test_a_rollback_that_fails_is_not_rolled_back_again(bench: Bench) -> None:
    first_deployed(bench, **ROLLBACK)
    built(bench)
    bench.end_build("FAILED", "no")
    bench.end_build("FAILED", "no")

    assert bench.statuses() == ["Succeeded", "Failed", "Failed"]
    assert bench.builds.running() == []


def test_without_a_success_there_is_nothing_to_roll_back_to(bench: Bench) -> None:
    bench.push("a.py")
    bench.create(stage("Build", build(), **ROLLBACK))
    bench.settle()
    bench.end_build("FAILED", "no")

    assert bench.statuses() == ["Failed"]


def test_a_person_rolls_a_stage_back(bench: Bench) -> None:
    good, _ = first_deployed(bench)
    built(bench)
    bench.end_build()

    place = {"pipelineName": PIPELINE, "stageName": "Deploy"}
    started = bench.call("RollbackStage", **place, targetPipelineExecutionId=good)["pipelineExecutionId"]
    bench.settle()

    assert bench.execution(started)["trigger"]["triggerType"] == "ManualRollback"
    with pytest.raises(ApiError, match="UnableToRollbackStageException"):
        bench.call("RollbackStage", **place, targetPipelineExecutionId=started)
    with pytest.raises(ApiError, match="UnableToRollbackStageException"):
        bench.call("RollbackStage", pipelineName=PIPELINE, stageName="Source", targetPipelineExecutionId=good)
    filtered = {"succeededInStage": {"stageName": "Deploy"}}
    listed = bench.call("ListPipelineExecutions", pipelineName=PIPELINE, filter=filtered)
    assert len(listed["pipelineExecutionSummaries"]) == 2


def test_an_alarm_after_a_stage_rolls_it_back(bench: Bench) -> None:
    watch = condition("ROLLBACK", "CloudWatchAlarm", AlarmName="health", WaitTime="2")
    bench.alarms.states["health"] = "OK"
    good, _ = first_deployed(bench, onSuccess=watch)
    assert bench.status(good) == "InProgress"
    bench.pass_time(121)
    assert bench.status(good) == "Succeeded"
    bad = built(bench)
    bench.end_build()
    assert bench.status(bad) == "InProgress"

    bench.alarms.states["health"] = "ALARM"
    bench.pass_time(6)

    assert bench.status(bad) == "Failed"
    assert bench.execution(bad)["statusSummary"] == "Rule: The alarm health is in the state ALARM"
    assert bench.execution(bench.newest())["trigger"]["triggerType"] == "AutomatedRollback"
    rules = bench.call("ListRuleExecutions", pipelineName=PIPELINE, filter={"pipelineExecutionId": bad})
    assert [one["status"] for one in rules["ruleExecutionDetails"]] == ["Failed"]


def test_an_alarm_before_a_stage_keeps_the_execution_out(bench: Bench) -> None:
    bench.alarms.states["health"] = "ALARM"
    bench.push("a.py")
    execution = bench.create(
        stage("Build", build(), beforeEntry=condition("FAIL", "CloudWatchAlarm", AlarmName="health"))
    )
    bench.settle()

    assert bench.status(execution) == "Failed"
    assert bench.builds.running() == []
    bench.alarms.states["health"] = "OK"
    retry(bench, execution)
    assert bench.builds.running() == ["build:1"]


def test_an_alarm_that_does_not_exist_fails_the_rule(bench: Bench) -> None:
    bench.push("a.py")
    execution = bench.create(stage("Build", build(), onSuccess=condition("FAIL", "CloudWatchAlarm", AlarmName="none")))
    bench.settle()
    bench.end_build()

    assert bench.status(execution) == "Failed"
    assert bench.execution(execution)["statusSummary"] == "Rule: There is no alarm none"


@pytest.mark.parametrize(
    ("operator", "value", "enters"),
    [
        ("EQ", "main", True),
        ("NE", "main", False),
        ("CONTAINS", "ai", True),
        ("MATCHES", "m.*n", True),
        ("EQ", "x", False),
    ],
)
def test_a_stage_is_skipped_when_its_variable_says_so(bench: Bench, operator: str, value: str, enters: bool) -> None:
    bench.push("a.py")
    check = condition("SKIP", "VariableCheck", Variable="#{Source.BranchName}", Value=value, Operator=operator)
    execution = bench.create(stage("Build", build(), beforeEntry=check), stage("Deploy", build("Deploy")))
    bench.settle()

    assert [one.partition(":")[0] for one in bench.builds.running()] == ["build" if enters else "deploy"]
    status = bench.stages()["Build"]["latestExecution"]["status"]
    assert status == ("InProgress" if enters else "Skipped")
    assert bench.status(execution) == "InProgress"


def test_a_stop_while_an_alarm_is_watched_ends_the_execution(bench: Bench) -> None:
    bench.alarms.states["health"] = "OK"
    watch = condition("ROLLBACK", "CloudWatchAlarm", AlarmName="health", WaitTime="60")
    execution, _ = first_deployed(bench, onSuccess=watch)

    stop = {"pipelineName": PIPELINE, "pipelineExecutionId": execution}
    bench.call("StopPipelineExecution", **stop, abandon=True)
    bench.pass_time(4000)

    assert bench.status(execution) == "Stopped"


def test_an_approval_shows_its_token_until_somebody_answers(bench: Bench) -> None:
    bench.push("a.py")
    settings = {"NotificationArn": "arn:aws:sns:us-east-1:000000000000:notice", "CustomData": "#{Source.CommitId}"}
    execution = bench.create(stage("Approval", approval(configuration=settings)))
    bench.settle()
    token = bench.stages()["Approval"]["actionStates"][0]["latestExecution"]["token"]

    (notice,) = bench.topic.notices
    assert token in notice["Message"]
    assert bench.execution(execution)["artifactRevisions"][0]["revisionId"] in notice["Message"]
    bench.approve()

    answered = bench.stages()["Approval"]["actionStates"][0]["latestExecution"]
    assert (answered["status"], answered["summary"], answered["token"]) == ("Succeeded", "I have looked", None)
    assert bench.status(execution) == "Succeeded"


def test_a_rejected_approval_fails_the_execution(bench: Bench) -> None:
    bench.push("a.py")
    execution = bench.create(stage("Approval", approval()))
    bench.settle()
    bench.approve("Rejected")

    details = bench.actions(execution)["Approve"]["output"]["executionResult"]["errorDetails"]
    assert bench.status(execution) == "Failed"
    assert "rejected by arn:aws:iam::000000000000:root: I have looked" in details["message"]


def test_an_approval_that_nobody_answers_fails_in_time(bench: Bench) -> None:
    bench.push("a.py")
    execution = bench.create(stage("Approval", approval(timeoutInMinutes=5)))
    bench.settle()
    bench.pass_time(301)

    assert bench.status(execution) == "Failed"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"token": "00000000-0000-0000-0000-000000000000"}, "InvalidApprovalTokenException"),
        ({"stageName": "Nowhere"}, "StageNotFoundException"),
        ({"actionName": "Nobody"}, "ActionNotFoundException"),
        ({"pipelineName": "nothing"}, "PipelineNotFoundException"),
        ({"token": "no token"}, "ValidationException"),
    ],
)
def test_an_answer_to_no_approval_is_refused(bench: Bench, change: dict[str, str], code: str) -> None:
    bench.push("a.py")
    bench.create(stage("Approval", approval()))
    bench.settle()
    token = bench.stages()["Approval"]["actionStates"][0]["latestExecution"]["token"]
    request = {"pipelineName": PIPELINE, "stageName": "Approval", "actionName": "Approve", "token": token}

    with pytest.raises(ApiError, match=code):
        bench.call("PutApprovalResult", **(request | change), result={"status": "Approved", "summary": ""})


def test_an_approval_can_be_answered_once(bench: Bench) -> None:
    bench.push("a.py")
    bench.create(stage("Approval", approval(), build()))
    bench.settle()
    token = bench.stages()["Approval"]["actionStates"][0]["latestExecution"]["token"]
    bench.approve()
    request = {"pipelineName": PIPELINE, "stageName": "Approval", "actionName": "Approve", "token": token}

    with pytest.raises(ApiError, match="ApprovalAlreadyCompletedException"):
        bench.call("PutApprovalResult", **request, result={"status": "Rejected", "summary": ""})


def test_a_zip_of_the_source_is_kept_for_a_rollback_of_the_first_build_stage(bench: Bench) -> None:
    bench.push("a.py")
    good = bench.create(stage("Build", build(), **ROLLBACK))
    bench.settle()
    bench.end_build()
    bench.push("b.py")
    bench.settle()
    bench.end_build("FAILED", "no")

    assert bench.execution(bench.newest())["rollbackMetadata"] == {"rollbackTargetPipelineExecutionId": good}
    primary = bench.builds.orders[bench.builds.running()[0]].primary
    assert isinstance(primary, seam.Zip)
    assert primary.key in bench.s3.objects
