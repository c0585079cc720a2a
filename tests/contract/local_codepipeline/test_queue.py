"""Several executions in one pipeline: who waits, who is overtaken, who is stopped, and that none is lost."""

from __future__ import annotations

import pytest

from retide.local.errors import ApiError
from tests.contract.local_codepipeline.bench import PIPELINE, Bench, approval, build, stage

TWO = (stage("Build", build()), stage("Deploy", build("Deploy")))


def waiting(bench: Bench, name: str) -> list[str]:
    return [one["pipelineExecutionId"] for one in bench.stages()[name]["inboundExecutions"]]


def test_two_pushes_in_quick_succession_are_built_one_after_the_other(bench: Bench) -> None:
    bench.push("a.py")
    first = bench.create(*TWO)
    bench.settle()
    bench.push("b.py")
    second = bench.newest()
    bench.push("c.py")
    third = bench.newest()
    bench.settle()

    assert bench.builds.running() == ["build:1"]
    assert waiting(bench, "Build") == [second, third]
    bench.end_build()
    assert bench.builds.running() == ["deploy:2", "build:3"]
    for _ in range(5):
        bench.end_build()

    assert [bench.status(one) for one in (first, second, third)] == ["Succeeded"] * 3
    assert [order.execution_id for order in bench.builds.orders.values()] == [
        first,
        first,
        second,
        second,
        third,
        third,
    ]


def test_a_failure_lets_the_next_execution_in(bench: Bench) -> None:
    bench.push("a.py")
    first = bench.create(*TWO)
    bench.settle()
    bench.push("b.py")
    bench.settle()

    bench.end_build("FAILED", "no")

    assert bench.status(first) == "Failed"
    assert [bench.builds.orders[one].execution_id for one in bench.builds.running()] == [bench.newest()]


def test_superseded_mode_keeps_only_the_newest_that_waits(bench: Bench) -> None:
    bench.push("a.py")
    bench.create(*TWO, executionMode="SUPERSEDED")
    bench.settle()
    bench.push("b.py")
    bench.settle()
    bench.push("c.py")
    bench.settle()

    assert bench.statuses() == ["InProgress", "Superseded", "InProgress"]
    assert waiting(bench, "Build") == [bench.newest()]


def test_a_pipeline_takes_no_more_than_fifty_at_once_and_the_push_hears_it(bench: Bench) -> None:
    bench.push("a.py")
    bench.create(*TWO)
    for _ in range(49):
        bench.call("StartPipelineExecution", name=PIPELINE)

    with pytest.raises(ApiError, match="ConcurrentPipelineExecutionsLimitExceededException"):
        bench.call("StartPipelineExecution", name=PIPELINE)
    bench.push("b.py")
    assert "delivery does not start" in bench.answer
    assert "at most 50" in bench.answer


def test_an_execution_that_is_stopped_waits_for_what_runs(bench: Bench) -> None:
    bench.push("a.py")
    execution = bench.create(*TWO)
    bench.settle()

    bench.call("StopPipelineExecution", pipelineName=PIPELINE, pipelineExecutionId=execution, reason="wrong branch")
    assert bench.status(execution) == "Stopping"
    bench.end_build()

    assert bench.status(execution) == "Stopped"
    assert bench.executions()[0]["stopTrigger"] == {"reason": "wrong branch"}
    assert bench.builds.running() == []


def test_an_execution_that_is_abandoned_ends_at_once_and_its_build_counts_no_more(bench: Bench) -> None:
    bench.push("a.py")
    execution = bench.create(*TWO)
    bench.settle()

    bench.call("StopPipelineExecution", pipelineName=PIPELINE, pipelineExecutionId=execution, abandon=True)
    assert bench.status(execution) == "Stopped"
    bench.end_build("FAILED", "too late")

    assert bench.actions(execution)["Build"]["status"] == "Abandoned"
    assert bench.status(execution) == "Stopped"


def test_an_action_that_is_abandoned_before_it_began_starts_no_build(bench: Bench) -> None:
    bench.push("a.py")
    execution = bench.create(*TWO)
    bench.effects.popleft()()

    bench.call("StopPipelineExecution", pipelineName=PIPELINE, pipelineExecutionId=execution, abandon=True)
    bench.settle()

    assert bench.builds.orders == {}
    assert bench.status(execution) == "Stopped"


def test_an_execution_that_waits_is_stopped_at_once(bench: Bench) -> None:
    bench.push("a.py")
    bench.create(*TWO)
    bench.settle()
    bench.push("b.py")
    bench.settle()
    second = bench.newest()

    bench.call("StopPipelineExecution", pipelineName=PIPELINE, pipelineExecutionId=second)

    assert bench.status(second) == "Stopped"
    assert waiting(bench, "Build") == []


def test_what_has_ended_or_is_being_stopped_cannot_be_stopped(bench: Bench) -> None:
    bench.push("a.py")
    execution = bench.create(*TWO)
    bench.settle()
    stop = {"pipelineName": PIPELINE, "pipelineExecutionId": execution}

    bench.call("StopPipelineExecution", **stop)
    with pytest.raises(ApiError, match="DuplicatedStopRequestException"):
        bench.call("StopPipelineExecution", **stop)
    bench.end_build()
    with pytest.raises(ApiError, match="PipelineExecutionNotStoppableException"):
        bench.call("StopPipelineExecution", **stop)


def test_a_closed_transition_keeps_executions_waiting_until_it_opens(bench: Bench) -> None:
    bench.push("a.py")
    place = {"pipelineName": PIPELINE, "stageName": "Deploy", "transitionType": "Inbound"}
    execution = bench.create(*TWO)
    bench.call("DisableStageTransition", **place, reason="Freeze")
    bench.settle()
    bench.end_build()

    assert waiting(bench, "Deploy") == [execution]
    assert bench.stages()["Deploy"]["inboundTransitionState"]["disabledReason"] == "Freeze"
    bench.call("EnableStageTransition", **place)
    bench.settle()
    bench.end_build()

    assert bench.status(execution) == "Succeeded"


def test_an_update_cancels_what_is_under_way_and_what_waits(bench: Bench) -> None:
    bench.push("a.py")
    bench.create(*TWO)
    bench.settle()
    bench.push("b.py")
    bench.settle()

    bench.call("UpdatePipeline", pipeline=bench.declared(*TWO, stage("Smoke", build("Smoke"))))

    assert bench.statuses() == ["Cancelled", "Cancelled"]
    assert bench.call("GetPipeline", name=PIPELINE)["pipeline"]["version"] == 2


def test_after_an_update_a_stage_is_free_only_when_the_old_build_has_ended(bench: Bench) -> None:
    bench.push("a.py")
    bench.create(*TWO)
    bench.settle()
    bench.call("UpdatePipeline", pipeline=bench.declared(*TWO, roleArn="arn:aws:iam::000000000000:role/other"))

    bench.call("StartPipelineExecution", name=PIPELINE)
    bench.settle()
    assert bench.builds.running() == ["build:1"]
    bench.end_build()
    assert bench.builds.running() == ["build:2"]
    bench.end_build()
    bench.end_build()

    assert bench.statuses() == ["Cancelled", "Succeeded"]


def test_an_update_takes_an_approval_away_that_nobody_can_give_any_more(bench: Bench) -> None:
    bench.push("a.py")
    execution = bench.create(stage("Approval", approval()))
    bench.settle()
    token = bench.stages()["Approval"]["actionStates"][0]["latestExecution"]["token"]

    bench.call("UpdatePipeline", pipeline=bench.declared(stage("Approval", approval("Approve")), roleArn=ROLE_TWO))

    assert bench.status(execution) == "Cancelled"
    with pytest.raises(ApiError, match="ApprovalAlreadyCompletedException"):
        bench.call(
            "PutApprovalResult",
            pipelineName=PIPELINE,
            stageName="Approval",
            actionName="Approve",
            token=token,
            result={"status": "Approved", "summary": ""},
        )


ROLE_TWO = "arn:aws:iam::000000000000:role/other"


def test_a_pipeline_that_is_deleted_begins_nothing_any_more(bench: Bench) -> None:
    bench.push("a.py")
    bench.create(*TWO)
    bench.settle()
    bench.push("b.py")
    bench.settle()

    bench.call("DeletePipeline", name=PIPELINE)
    bench.end_build()

    assert bench.builds.running() == []
    with pytest.raises(ApiError, match="PipelineNotFoundException"):
        bench.call("GetPipeline", name=PIPELINE)
    bench.call("DeletePipeline", name=PIPELINE)


def test_a_cloud_that_closes_begins_nothing_any_more(bench: Bench) -> None:
    bench.push("a.py")
    bench.create(*TWO)
    bench.settle()

    bench.service.close()
    told = len(bench.bus.events)
    bench.end_build()

    assert bench.builds.running() == []
    assert len(bench.bus.events) == told
    assert list(bench.effects) == []


def test_lists_are_given_page_by_page(bench: Bench) -> None:
    bench.push("a.py")
    bench.create(*TWO)
    for _ in range(4):
        bench.call("StartPipelineExecution", name=PIPELINE)

    seen: list[str] = []
    token: dict[str, str] = {}
    while True:
        page = bench.call("ListPipelineExecutions", pipelineName=PIPELINE, maxResults=2, **token)
        seen += [one["pipelineExecutionId"] for one in page["pipelineExecutionSummaries"]]
        if "nextToken" not in page:
            break
        token = {"nextToken": page["nextToken"]}

    assert seen == [one["pipelineExecutionId"] for one in bench.executions()]
    with pytest.raises(ApiError, match="InvalidNextTokenException"):
        bench.call("ListPipelineExecutions", pipelineName=PIPELINE, nextToken="elsewhere")
