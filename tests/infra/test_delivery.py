"""The pipeline from push to production, read from its template: stages, filters, what follows a failure, and grants."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from aws_cdk import App
from cfnlint.api import ManualArgs, lint_file  # type: ignore[import-untyped]

from infra.app import add
from infra.assemble import assemble, flags
from infra.projects import ROWS
from infra.settings import DELIVERY, SettingsError
from tests.infra.conftest import ROOT, Json
from tests.infra.test_permissions import _service_actions as service_actions

CONNECTION: Final = "arn:aws:codeconnections:us-east-1:000000000000:connection/abc"
CHOSEN: Final = {"repository": "ada/churn", "branch": "trunk", "connection": CONNECTION, "alarm_minutes": "7"}
CODECOMMIT: Final = {
    "provider": "codecommit",
    "repository": "churn",
    "approval": "no",
    "tests": "tests/unit tests/infra",
}


def synthesised(folder: Path, chosen: Mapping[str, str]) -> Path:
    app = App(outdir=str(folder), context={**flags(ROOT), **chosen, "stage": "delivery"})
    add(app, ROOT, app.node.get_all_context())
    app.synth()
    return folder / "retide-delivery.template.json"


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return synthesised(tmp_path_factory.mktemp("connections"), CHOSEN)


@pytest.fixture(scope="module")
def codecommit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return synthesised(tmp_path_factory.mktemp("codecommit"), CODECOMMIT)


def resources(file: Path, kind: str) -> dict[str, Json]:
    found = json.loads(file.read_text())["Resources"].items()
    return {name: resource.get("Properties", {}) for name, resource in found if resource["Type"] == kind}


def pipeline(file: Path) -> Json:
    (found,) = resources(file, "AWS::CodePipeline::Pipeline").values()
    return found


def stages(file: Path) -> dict[str, Json]:
    return {stage["Name"]: stage for stage in pipeline(file)["Stages"]}


def statements(file: Path, role: str) -> list[Json]:
    """What the role may do whose construct's id begins so."""
    return [
        statement
        for name, policy in resources(file, "AWS::IAM::Policy").items()
        if name.startswith(role)
        for statement in policy["PolicyDocument"]["Statement"]
    ]


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def actions(file: Path, role: str) -> set[str]:
    return {action for statement in statements(file, role) for action in listed(statement["Action"])}


def test_the_road_has_its_stages_in_their_order_and_loses_no_push(file: Path) -> None:
    assert list(stages(file)) == ["Source", "Build", "SelfUpdate", "Staging", "Approval", "Production"]
    found = pipeline(file)
    assert (found["Name"], found["PipelineType"], found["ExecutionMode"]) == ("retide-delivery", "V2", "QUEUED")
    assert found["RestartExecutionOnUpdate"] is True


def rules(file: Path, source: str) -> dict[str, Json]:
    found = resources(file, "AWS::Events::Rule").items()
    return {name: rule for name, rule in found if rule["EventPattern"]["source"] == [source]}


def test_an_approval_is_asked_for_at_the_topic_and_without_a_person_there_is_none(file: Path, codecommit: Path) -> None:
    (approval,) = stages(file)["Approval"]["Actions"]
    (topic,) = resources(file, "AWS::SNS::Topic")
    assert approval["Configuration"]["NotificationArn"] == {"Ref": topic}
    assert "Approval" not in stages(codecommit)
    assert "sns:Publish" not in actions(codecommit, "PipelineRole")


@pytest.mark.parametrize("name", ["file", "codecommit"])
def test_a_failed_execution_and_a_rollback_are_told_to_the_topic_or_kept(
    name: str, request: pytest.FixtureRequest
) -> None:
    found: Path = request.getfixturevalue(name)
    failed, back = (rule["EventPattern"] for rule in rules(found, "aws.codepipeline").values())
    assert failed["detail"] == {"pipeline": ["retide-delivery"], "state": ["FAILED"]}
    started = {"trigger-type": ["AutomatedRollback", "ManualRollback"]}
    assert back["detail"] == {"pipeline": ["retide-delivery"], "state": ["STARTED"], "execution-trigger": started}
    (topic,) = resources(found, "AWS::SNS::Topic")
    (dead,) = resources(found, "AWS::SQS::Queue")
    for rule in rules(found, "aws.codepipeline").values():
        assert rule["EventPattern"]["detail-type"] == ["CodePipeline Pipeline Execution State Change"]
        (target,) = rule["Targets"]
        assert target["Arn"] == {"Ref": topic}
        assert target["DeadLetterConfig"] == {"Arn": {"Fn::GetAtt": [dead, "Arn"]}}
        assert "RoleArn" not in target, "EventBridge publishes by the topic's own policy"
        assert "retide delivery list" in target["InputTransformer"]["InputTemplate"]


def test_eventbridge_may_publish_to_the_topic_and_its_key_stands_in_nobodys_way(file: Path) -> None:
    """EventBridge is no user of AWS's own key for topics: what it had to tell would be lost without a word."""
    (topic,) = resources(file, "AWS::SNS::Topic").values()
    assert "KmsMasterKeyId" not in topic
    (policy,) = resources(file, "AWS::SNS::TopicPolicy").values()
    allowed = [s for s in policy["PolicyDocument"]["Statement"] if s["Effect"] == "Allow"]
    assert {(s["Principal"]["Service"], s["Action"]) for s in allowed} == {("events.amazonaws.com", "sns:Publish")}
    (denied,) = [s for s in policy["PolicyDocument"]["Statement"] if s["Effect"] == "Deny"]
    assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_people_can_be_told_before_the_first_execution_starts(file: Path) -> None:
    (pipeline,) = (
        resource
        for resource in json.loads(file.read_text())["Resources"].values()
        if resource["Type"] == "AWS::CodePipeline::Pipeline"
    )
    wanted = {*rules(file, "aws.codepipeline"), *resources(file, "AWS::SNS::TopicPolicy")}
    assert wanted <= set(pipeline["DependsOn"])


def test_the_source_is_the_chosen_branch_and_documents_alone_start_nothing(file: Path) -> None:
    (source,) = stages(file)["Source"]["Actions"]
    configuration = source["Configuration"]
    assert (configuration["FullRepositoryId"], configuration["BranchName"]) == ("ada/churn", "trunk")
    assert (configuration["OutputArtifactFormat"], configuration["DetectChanges"]) == ("CODEBUILD_CLONE_REF", False)
    (trigger,) = pipeline(file)["Triggers"]
    (push,) = trigger["GitConfiguration"]["Push"]
    assert push["Branches"] == {"Includes": ["trunk"]}
    assert push["FilePaths"] == {"Excludes": list(DELIVERY.ignored)}
    assert len(DELIVERY.ignored) <= 8, "CodePipeline takes no more patterns"


def test_codecommit_starts_the_pipeline_by_an_event_of_the_branch(codecommit: Path) -> None:
    (rule,) = rules(codecommit, "aws.codecommit").values()
    assert rule["EventPattern"]["detail"]["referenceName"] == ["main"]
    (source,) = stages(codecommit)["Source"]["Actions"]
    assert source["Configuration"]["PollForSourceChanges"] is False


def test_every_build_knows_the_commit_and_what_is_deployed_is_what_was_built(file: Path) -> None:
    (build,) = stages(file)["Build"]["Actions"]
    built = build["OutputArtifacts"]
    for name in ("Build", "SelfUpdate", "Staging", "Production"):
        (action,) = stages(file)[name]["Actions"]
        (variable,) = json.loads(action["Configuration"]["EnvironmentVariables"])
        assert (variable["name"], variable["value"]) == ("COMMIT", "#{Source.CommitId}")
        assert name == "Build" or action["InputArtifacts"] == built


def test_production_is_rolled_back_when_it_fails_and_when_an_alarm_goes_off(file: Path) -> None:
    production = stages(file)["Production"]
    assert production["OnFailure"] == {"Result": "ROLLBACK"}
    (condition,) = production["OnSuccess"]["Conditions"]
    assert condition["Result"] == "ROLLBACK"
    watched = {rule["Configuration"]["AlarmName"]: rule["Configuration"]["WaitTime"] for rule in condition["Rules"]}
    assert watched == {"retide-prod-health": "7", "retide-prod-endpoints-1": "7"}
    assert not any("OnFailure" in stage for name, stage in stages(file).items() if name != "Production")


def test_what_was_overridden_reaches_the_builds_and_with_them_the_next_pipeline(file: Path, codecommit: Path) -> None:
    for found, wanted in ((file, CHOSEN), (codecommit, CODECOMMIT)):
        for project in resources(found, "AWS::CodeBuild::Project").values():
            variables = {v["Name"]: v["Value"] for v in project["Environment"]["EnvironmentVariables"]}
            for name, value in wanted.items():
                assert f"{name}={value}" in variables["RETIDE_CONTEXT"]
            assert variables.get("TESTS", "") == wanted.get("tests", "")
            assert variables["AUDIT"] == "strict"


def test_every_project_is_as_its_row_says_and_its_buildspec_is_a_file(file: Path) -> None:
    projects = {project["Name"]: project for project in resources(file, "AWS::CodeBuild::Project").values()}
    assert set(projects) == {row.project for row in ROWS}
    for row in ROWS:
        project = projects[row.project]
        assert project["TimeoutInMinutes"] == row.minutes
        assert project["Cache"] == {"Type": "LOCAL", "Modes": ["LOCAL_CUSTOM_CACHE"]}
        assert project["Environment"]["Image"] == "aws/codebuild/standard:7.0"
        assert project["Environment"]["PrivilegedMode"] is False
        assert (ROOT / project["Source"]["BuildSpec"]).is_file()


def test_what_is_kept_between_builds_is_never_part_of_what_they_leave() -> None:
    spec = yaml.safe_load((ROOT / "infra/buildspecs/build.yml").read_text())
    assert set(spec["cache"]["paths"]) <= set(spec["artifacts"]["exclude-paths"])
    assert ".python-version" in spec["artifacts"]["files"], "a pattern may not match hidden files"


def test_a_build_that_deploys_may_become_the_bootstrap_roles_and_nothing_else_of_the_account(file: Path) -> None:
    for project in ("selfupdate", "staging", "production"):
        assumed = [
            json.dumps(resource)
            for statement in statements(file, project)
            if "sts:AssumeRole" in listed(statement["Action"])
            for resource in listed(statement["Resource"])
        ]
        assert len(assumed) == 3
        assert all("role/cdk-hnb659fds-" in role for role in assumed)
    assert "sts:AssumeRole" not in actions(file, "build")


def test_only_staging_is_written_to_and_only_under_its_own_names(file: Path) -> None:
    for project, stage in (("staging", "retide-staging-"), ("production", "retide-prod-")):
        for statement in statements(file, project):
            own = any(word in json.dumps(statement["Resource"]) for word in ("Artefacts", f"{project}Log", "role/cdk-"))
            assert own or all(stage in json.dumps(resource) for resource in listed(statement["Resource"]))
    writes = {"s3:PutObject", "sqs:SendMessage", "dynamodb:PutItem", "states:StartExecution"}
    assert writes & actions(file, "production") == set()
    assert writes & actions(file, "staging") == {"s3:PutObject", "sqs:SendMessage"}


def test_only_the_build_whose_artefact_is_deployed_may_write_where_artefacts_lie(file: Path) -> None:
    """What is deployed to production must be what Build left: nothing that runs later may lay other bytes there."""
    writers = {
        name
        for name in ("build", "selfupdate", "staging", "production", "PipelineRole")
        for statement in statements(file, name)
        if "s3:PutObject" in listed(statement["Action"]) and "Artefacts" in json.dumps(statement["Resource"])
    }
    assert writers == {"build", "PipelineRole"}
    (build,) = stages(file)["Build"]["Actions"]
    left = {name for name, stage in stages(file).items() for a in stage["Actions"] if a.get("OutputArtifacts")}
    assert left == {"Source", "Build"}
    assert build["OutputArtifacts"] == [{"Name": "Built"}]


@pytest.mark.parametrize("role", ["build", "selfupdate", "staging", "production", "PipelineRole"])
def test_whoever_handles_artefacts_may_see_whose_bucket_they_lie_in(file: Path, role: str) -> None:
    """AWS lists both among the least that CodeBuild and CodePipeline need."""
    seeing = [s for s in statements(file, role) if "s3:GetBucketLocation" in listed(s["Action"])]
    assert [{"s3:GetBucketAcl", "s3:GetBucketLocation"} <= set(listed(s["Action"])) for s in seeing] == [True]
    assert "Artefacts" in json.dumps(seeing[0]["Resource"])


def test_a_service_becomes_a_role_of_delivery_for_this_account_only(file: Path) -> None:
    for role in resources(file, "AWS::IAM::Role").values():
        (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
        assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_the_pipeline_itself_starts_its_projects_and_passes_no_role(file: Path) -> None:
    granted = actions(file, "PipelineRole")
    assert {"codebuild:StartBuild", "codeconnections:UseConnection", "sns:Publish"} <= granted
    assert not {action for action in granted if action.startswith(("iam:", "sts:", "cloudformation:"))}


def test_every_action_that_delivery_is_granted_is_one_that_aws_knows(file: Path, codecommit: Path) -> None:
    for found in (file, codecommit):
        for action in actions(found, ""):
            service, _, name = action.partition(":")
            assert name.lower() in service_actions().get(service, {}).get("Actions", {}), action


def test_artefacts_stay_for_as_long_as_a_rollback_may_want_them(file: Path) -> None:
    (bucket,) = resources(file, "AWS::S3::Bucket").values()
    (rule,) = bucket["LifecycleConfiguration"]["Rules"]
    assert rule["ExpirationInDays"] == DELIVERY.artefact_days


@pytest.mark.parametrize("name", ["file", "codecommit"])
def test_cfn_lint_finds_nothing_in_the_pipeline(name: str, request: pytest.FixtureRequest) -> None:
    found = lint_file(request.getfixturevalue(name), ManualArgs(ignore_checks=["W3005"]))
    assert [str(match) for match in found] == []


def test_a_pipeline_is_assembled_only_where_a_repository_is_chosen(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no connection is named"):
        assemble(ROOT, tmp_path / "assembly", {"repository": "ada/churn"})
    assert not (tmp_path / "assembly").exists(), "half an assembly must never be taken for a whole one"


def test_where_github_deploys_there_is_no_pipeline_and_the_refusal_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="run `make deploy-github`"):
        synthesised(tmp_path, {"repository": "ada/churn", "road": "github-actions"})
