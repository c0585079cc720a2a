"""An execution on its way through the stages: order, artefacts, variables, failures, and its clear end."""

from __future__ import annotations

import io
import json
import zipfile

import pytest

from retide.local.codebuild import seam
from retide.local.errors import ApiError
from tests.contract.local_codepipeline.bench import (
    PIPELINE,
    REPOSITORY,
    Bench,
    approval,
    build,
    source_action,
    stage,
)


def test_a_new_pipeline_starts_with_the_head_of_its_branch(bench: Bench) -> None:
    commit = bench.push("a.py")

    execution = bench.create()
    bench.settle()

    described = bench.execution(execution)
    assert described["trigger"]["triggerType"] == "CreatePipeline"
    assert described["artifactRevisions"][0]["revisionId"] == commit
    assert bench.builds.running() == ["build:1"]


def test_an_execution_that_has_passed_every_stage_has_succeeded(bench: Bench) -> None:
    bench.push("a.py")
    execution = bench.create(stage("Build", build()), stage("Deploy", build("Deploy")))
    bench.settle()

    bench.end_build()
    assert bench.status(execution) == "InProgress"
    bench.end_build()

    assert bench.status(execution) == "Succeeded"
    assert [state["latestExecution"]["status"] for state in bench.stages().values()] == ["Succeeded"] * 3


def test_a_failed_build_fails_its_execution_and_says_why(bench: Bench) -> None:
    bench.push("a.py")
    execution = bench.create(stage("Build", build()), stage("Deploy", build("Deploy")))
    bench.settle()

    bench.end_build("FAILED", "Build terminated with state: FAILED. Phase: BUILD")

    failed = bench.actions(execution)["Build"]
    assert bench.status(execution) == "Failed"
    assert failed["output"]["executionResult"]["errorDetails"] == {
        "code": "JobFailed",
        "message": "Build terminated with state: FAILED. Phase: BUILD",
    }
    assert failed["output"]["executionResult"]["externalExecutionId"] == "build:1"
    assert bench.builds.running() == []
    assert bench.stages()["Deploy"]["latestExecution"] is None


def test_a_build_that_cannot_start_fails_its_action(bench: Bench) -> None:
    bench.push("a.py")
    execution = bench.create(stage("Build", build(project="absent")))
    bench.settle()

    details = bench.actions(execution)["Build"]["output"]["executionResult"]["errorDetails"]
    assert bench.status(execution) == "Failed"
    assert details == {
        "code": "ConfigurationError",
        "message": "ResourceNotFoundException: Project cannot be found: absent",
    }


def test_a_source_whose_connection_is_pending_fails_and_says_so(bench: Bench) -> None:
    bench.push("a.py")
    made = bench.connections.create({"ConnectionName": "new", "ProviderType": "GitHub"}, "codeconnections")
    bench.connection = made["ConnectionArn"]
    execution = bench.create()
    bench.settle()

    details = bench.actions(execution)["Source"]["output"]["executionResult"]["errorDetails"]
    assert bench.status(execution) == "Failed"
    assert details["code"] == "RevisionUnavailable"
    assert "is PENDING" in details["message"]


def test_a_branch_without_a_commit_fails_the_source(bench: Bench) -> None:
    execution = bench.create()
    bench.settle()

    details = bench.actions(execution)["Source"]["output"]["executionResult"]["errorDetails"]
    assert details["message"] == f"No branch [main] found for {REPOSITORY}: push something to it"
    assert bench.status(execution) == "Failed"


def test_a_source_as_zip_holds_the_files_of_the_commit_and_no_history(bench: Bench) -> None:
    bench.push("a.py", "folder/b.py")
    bench.create()
    bench.settle()

    order = bench.builds.orders["build:1"]
    assert isinstance(order.primary, seam.Zip)
    with zipfile.ZipFile(io.BytesIO(bench.s3.objects[order.primary.key])) as archive:
        assert set(archive.namelist()) == {"a.py", "folder/", "folder/b.py"}


def test_a_source_as_reference_lets_the_build_clone(bench: Bench) -> None:
    commit = bench.push("a.py")
    declared = bench.declared()
    declared["stages"][0]["actions"][0]["configuration"]["OutputArtifactFormat"] = "CODEBUILD_CLONE_REF"
    bench.call("CreatePipeline", pipeline=declared)
    bench.settle()

    order = bench.builds.orders["build:1"]
    assert order.primary == seam.Clone("Code", bench.repository.path, commit)
    (reference,) = bench.s3.objects.values()
    with zipfile.ZipFile(io.BytesIO(reference)) as archive:
        assert json.loads(archive.read("codebuild_clone_ref.json"))["CommitId"] == commit


def test_variables_reach_the_build_of_a_later_action(bench: Bench) -> None:
    commit = bench.push("a.py")
    variables = json.dumps(
        [
            {"name": "COMMIT", "value": "#{Source.CommitId}", "type": "PLAINTEXT"},
            {"name": "RUN", "value": "#{codepipeline.PipelineExecutionId}/#{Source.BranchName}"},
            {"name": "MADE", "value": "#{Built.VERSION}"},
        ]
    )
    deploy = build("Deploy", configuration={"ProjectName": "deploy", "EnvironmentVariables": variables})
    execution = bench.create(stage("Build", build(namespace="Built")), stage("Deploy", deploy))
    bench.settle()
    bench.end_build(VERSION="7")

    assert bench.builds.orders["deploy:2"].variables == (
        seam.Variable("COMMIT", commit),
        seam.Variable("RUN", f"{execution}/main"),
        seam.Variable("MADE", "7"),
    )


def test_a_message_with_quotes_and_lines_reaches_the_build_as_it_is(bench: Bench) -> None:
    message = 'Say "no"\n\nand \\ more'
    bench.checkout.commit("a.py", message=message)
    bench.checkout.push()
    variables = json.dumps([{"name": "MESSAGE", "value": "#{Source.CommitMessage}"}])
    bench.create(stage("Build", build(configuration={"ProjectName": "build", "EnvironmentVariables": variables})))
    bench.settle()

    assert bench.builds.orders["build:1"].variables == (seam.Variable("MESSAGE", message),)


def test_a_variable_without_a_value_fails_the_action(bench: Bench) -> None:
    bench.push("a.py")
    missing = build("Deploy", configuration={"ProjectName": "#{Built.NAME}"})
    execution = bench.create(stage("Build", build(namespace="Built")), stage("Deploy", missing))
    bench.settle()
    bench.end_build()

    details = bench.actions(execution)["Deploy"]["output"]["executionResult"]["errorDetails"]
    assert details["code"] == "ConfigurationError"
    assert "#{Built.NAME} in ProjectName has no value" in details["message"]
    assert bench.status(execution) == "Failed"


def test_the_output_of_one_build_is_the_input_of_the_next(bench: Bench) -> None:
    bench.push("a.py")
    both = [{"name": "Code"}, {"name": "Package"}]
    settings = {"ProjectName": "deploy", "PrimarySource": "Package"}
    bench.create(
        stage("Build", build(outputArtifacts=[{"name": "Package"}])),
        stage("Deploy", build("Deploy", inputArtifacts=both, configuration=settings)),
    )
    bench.settle()
    made = bench.builds.orders["build:1"].outputs[0]
    bench.end_build()

    order = bench.builds.orders["deploy:2"]
    assert (made.bucket, made.key.rpartition("/")[0]) == ("artifacts", "delivery/Package")
    assert order.primary == seam.Zip("Package", made.bucket, made.key)
    assert [one.name for one in order.others] == ["Code"]


def test_actions_of_one_run_order_run_together_and_the_next_waits_for_all(bench: Bench) -> None:
    bench.push("a.py")
    actions = [build("Lint", runOrder=1), build("Unit", runOrder=1), build("Pack", runOrder=2)]
    bench.create(stage("Build", *actions))
    bench.settle()

    assert bench.builds.running() == ["lint:1", "unit:2"]
    bench.end_build()
    assert bench.builds.running() == ["unit:2"]
    bench.end_build()
    assert bench.builds.running() == ["pack:3"]


def test_a_stage_fails_only_when_all_that_run_beside_the_failure_have_ended(bench: Bench) -> None:
    bench.push("a.py")
    execution = bench.create(stage("Build", build("Lint"), build("Unit")))
    bench.settle()

    bench.end_build("FAILED", "no")
    assert bench.status(execution) == "InProgress"
    bench.end_build()

    assert bench.status(execution) == "Failed"
    assert bench.actions(execution)["Unit"]["status"] == "Succeeded"


def test_a_pipeline_variable_takes_its_default_or_what_was_given(bench: Bench) -> None:
    bench.push("a.py")
    chosen = build(configuration={"ProjectName": "#{variables.project}"})
    bench.create(stage("Build", chosen), variables=[{"name": "project", "defaultValue": "usual"}])
    bench.settle()
    bench.end_build()

    bench.call("StartPipelineExecution", name=PIPELINE, variables=[{"name": "project", "value": "special"}])
    bench.settle()

    assert list(bench.builds.orders) == ["usual:1", "special:2"]


@pytest.mark.parametrize(
    ("request_", "complaint"),
    [
        ({"variables": [{"name": "other", "value": "x"}]}, "has no variable other"),
        ({}, "The variable project of the pipeline delivery has no default"),
        (
            {
                "variables": [{"name": "project", "value": "x"}],
                "sourceRevisions": [{"actionName": "Elsewhere", "revisionType": "COMMIT_ID", "revisionValue": "x"}],
            },
            "has no source action Elsewhere",
        ),
    ],
)
def test_a_start_with_what_the_pipeline_does_not_have_is_refused(
    bench: Bench, request_: dict[str, object], complaint: str
) -> None:
    bench.create(variables=[{"name": "project"}])

    with pytest.raises(ApiError, match="ValidationException") as caught:
        bench.call("StartPipelineExecution", name=PIPELINE, **request_)
    assert complaint in caught.value.message


def test_a_start_with_the_same_token_is_the_same_execution(bench: Bench) -> None:
    bench.create()

    first = bench.call("StartPipelineExecution", name=PIPELINE, clientRequestToken="once")
    again = bench.call("StartPipelineExecution", name=PIPELINE, clientRequestToken="once")

    assert first == again
    assert len(bench.executions()) == 2


def test_a_start_can_name_an_older_commit(bench: Bench) -> None:
    older = bench.push("a.py")
    bench.push("b.py")
    bench.create()
    bench.settle()
    bench.end_build()

    revision = {"actionName": "Source", "revisionType": "COMMIT_ID", "revisionValue": older}
    started = bench.call("StartPipelineExecution", name=PIPELINE, sourceRevisions=[revision])
    bench.settle()

    revisions = bench.execution(started["pipelineExecutionId"])["artifactRevisions"]
    assert [one["revisionId"] for one in revisions] == [older]


def test_two_sources_are_two_artefacts(bench: Bench) -> None:
    bench.push("a.py")
    bench.git.repositories.create("team/data")
    configuration = {"ConnectionArn": bench.connection, "FullRepositoryId": "team/data", "BranchName": "main"}
    declared = bench.declared()
    declared["stages"][0]["actions"].append(source_action("Data", "Rows", **configuration))
    bench.call("CreatePipeline", pipeline=declared)
    bench.settle()

    assert bench.actions(bench.newest())["Data"]["status"] == "Failed"
    assert bench.actions(bench.newest())["Source"]["status"] == "Succeeded"


def test_events_tell_of_every_change_in_order(bench: Bench) -> None:
    bench.push("a.py")
    bench.create(stage("Approval", approval()))
    bench.settle()
    bench.approve()

    told = [(event.detail_type.split()[1], event.detail["state"]) for event in bench.bus.events]
    assert told == [
        ("Pipeline", "STARTED"),
        ("Stage", "STARTED"),
        ("Action", "STARTED"),
        ("Action", "SUCCEEDED"),
        ("Stage", "SUCCEEDED"),
        ("Stage", "STARTED"),
        ("Action", "STARTED"),
        ("Action", "SUCCEEDED"),
        ("Stage", "SUCCEEDED"),
        ("Pipeline", "SUCCEEDED"),
    ]
    assert {event.source for event in bench.bus.events} == {"aws.codepipeline"}
    assert {event.resources for event in bench.bus.events} == {
        ("arn:aws:codepipeline:us-east-1:000000000000:delivery",)
    }
