"""The whole road on a running cloud, driven by git and boto3 alone: push, pipeline from a template, build, approval."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import urllib3

from retide.local.cloud import LocalCloud, Running
from retide.local.interfaces import Json
from tests.contract.local_codepipeline.bench import Checkout
from tests.patience import eventually

ROLE = "arn:aws:iam::000000000000:role/anyone"
SPEC = """
version: 0.2
env: {exported-variables: [WORD]}
phases:
  build:
    commands:
      - test -d .git
      - export WORD=$(cat word)
      - test "$WORD" != bad
      - echo "$COMMIT $WORD" > built
artifacts: {files: [built]}
"""
NEXT = """
version: 0.2
phases: {build: {commands: ['grep -q "$COMMIT" built']}}
"""


class Cloud:
    def __init__(self, home: Path, running: Running) -> None:
        self.home = home
        self.running = running
        self.codepipeline, self.cloudformation, self.s3 = map(self.client, ("codepipeline", "cloudformation", "s3"))
        self.connections = self.client("codeconnections")

    def client(self, name: str) -> Any:
        make: Any = boto3.client
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        return make(name, endpoint_url=self.running.endpoint_url, region_name=self.running.region, **keys)

    def ask(self, path: str, **body: str) -> Json:
        answer = urllib3.request("POST", f"{self.running.endpoint_url}{path}", json=body)
        assert answer.status == 200, answer.data
        told: Json = answer.json()
        return told

    def deploy(self, stack: str, template: Json) -> None:
        known = {one["StackName"] for one in self.cloudformation.list_stacks()["StackSummaries"]}
        change = self.cloudformation.update_stack if stack in known else self.cloudformation.create_stack
        change(StackName=stack, TemplateBody=json.dumps(template))
        status = eventually(lambda: self._settled(stack), f"{stack} is deployed")
        assert status in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}, self._reasons(stack)

    def _settled(self, stack: str) -> str | None:
        status: str = self.cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
        return None if status.endswith("IN_PROGRESS") else status

    def _reasons(self, stack: str) -> list[str]:
        events = self.cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
        return [str(event.get("ResourceStatusReason")) for event in events]

    def executions(self, pipeline: str) -> list[Json]:
        listed = self.codepipeline.list_pipeline_executions(pipelineName=pipeline)["pipelineExecutionSummaries"]
        return list(reversed(listed))

    def ended(self, pipeline: str, count: int) -> list[Json]:
        """All executions, oldest first, when there are so many and none is under way."""

        def look() -> list[Json] | None:
            found = self.executions(pipeline)
            open_ = [one for one in found if one["status"] in {"InProgress", "Stopping"}]
            return found if len(found) == count and not open_ else None

        return eventually(look, f"{count} executions of {pipeline} have ended", seconds=60)

    def token(self, pipeline: str) -> str | None:
        states = self.codepipeline.get_pipeline_state(name=pipeline)["stageStates"]
        approval = next(state for state in states if state["stageName"] == "Approval")["actionStates"][0]
        token: str | None = approval.get("latestExecution", {}).get("token")
        return token


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    home = tmp_path_factory.mktemp("delivery") / "cloud"
    cloud = LocalCloud(home, {}, wait_scale=0.0, bound=True)
    running = Cloud(home, cloud.start())
    running.s3.create_bucket(Bucket="artifacts")
    yield running
    cloud.stop()


def template(repository: str, connection: Any, **pipeline: Any) -> Json:
    source = {"ConnectionArn": connection, "FullRepositoryId": repository, "BranchName": "main", "DetectChanges": False}
    variables = json.dumps([{"name": "COMMIT", "value": "#{Source.CommitId}"}])
    settings = {"PrimarySource": "Code", "EnvironmentVariables": variables}
    properties: Json = {
        "Name": repository.replace("/", "-"),
        "RoleArn": ROLE,
        "PipelineType": "V2",
        "ExecutionMode": "QUEUED",
        "ArtifactStore": {"Type": "S3", "Location": "artifacts"},
        "Triggers": [
            {
                "ProviderType": "CodeStarSourceConnection",
                "GitConfiguration": {
                    "SourceActionName": "Source",
                    "Push": [{"Branches": {"Includes": ["main"]}, "FilePaths": {"Excludes": ["docs/**", "*.md"]}}],
                },
            }
        ],
        "Stages": [
            {
                "Name": "Source",
                "Actions": [
                    action("Source", "Source", "CodeStarSourceConnection", source, OutputArtifacts=[{"Name": "Code"}])
                    | {"Namespace": "Source"}
                ],
            },
            {"Name": "Build", "Actions": [build("Build", settings, OutputArtifacts=[{"Name": "Built"}])]},
            {"Name": "Approval", "Actions": [action("Approve", "Approval", "Manual", {})]},
            {
                "Name": "Deploy",
                "Actions": [build("Deploy", settings | {"PrimarySource": "Built"}, ["Built"])],
            },
        ],
    }
    source["OutputArtifactFormat"] = "CODEBUILD_CLONE_REF"
    return {
        "Resources": {
            "Connection": {
                "Type": "AWS::CodeConnections::Connection",
                "Properties": {"ConnectionName": repository.replace("/", "-"), "ProviderType": "GitHub"},
            },
            "BuildProject": project(SPEC),
            "DeployProject": project(NEXT),
            "Pipeline": {"Type": "AWS::CodePipeline::Pipeline", "Properties": properties | pipeline},
        },
        "Outputs": {
            "Pipeline": {"Value": {"Ref": "Pipeline"}},
            "Connection": {"Value": {"Ref": "Connection"}},
            "Version": {"Value": {"Fn::GetAtt": ["Pipeline", "Version"]}},
        },
    }


def action(name: str, category: str, provider: str, configuration: Json, **members: Any) -> Json:
    kind = {"Category": category, "Owner": "AWS", "Provider": provider, "Version": "1"}
    return {"Name": name, "ActionTypeId": kind, "Configuration": configuration, **members}


def build(name: str, settings: Json, inputs: list[str] | None = None, **members: Any) -> Json:
    artifacts = [{"Name": one} for one in inputs or ["Code"]]
    configuration = {"ProjectName": {"Ref": f"{name}Project"}, **settings}
    return action(name, "Build", "CodeBuild", configuration, InputArtifacts=artifacts, **members)


def project(spec: str) -> Json:
    properties = {
        "ServiceRole": ROLE,
        "Source": {"Type": "CODEPIPELINE", "BuildSpec": spec},
        "Artifacts": {"Type": "CODEPIPELINE"},
        "Environment": {
            "Type": "LINUX_CONTAINER",
            "Image": "aws/codebuild/standard:7.0",
            "ComputeType": "BUILD_GENERAL1_SMALL",
        },
    }
    return {"Type": "AWS::CodeBuild::Project", "Properties": properties}


def outputs(cloud: Cloud, stack: str) -> dict[str, str]:
    described = cloud.cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    return {one["OutputKey"]: one["OutputValue"] for one in described["Outputs"]}


def said(checkout: Checkout, *options: str) -> str:
    """What `git push` shows of the hook's words."""
    words = ["git", "push", *options, "origin", "HEAD:refs/heads/main"]
    done = subprocess.run(words, cwd=checkout.folder, capture_output=True, text=True, check=True)
    return " ".join(line.removeprefix("remote: ") for line in done.stderr.splitlines() if line.startswith("remote: "))


def made(cloud: Cloud, name: str, folder: Path) -> Checkout:
    """A repository on the cloud's git host with one commit, and a person's clone of it."""
    repository = cloud.ask("/_retide/repositories", repository=name)
    checkout = Checkout(folder / "checkout", Path(repository["path"]))
    checkout.write("word", "first")
    checkout.commit()
    return checkout


def connected(cloud: Cloud, name: str) -> str:
    """A connection that a person has completed."""
    arn: str = cloud.connections.create_connection(ConnectionName=name, ProviderType="GitLab")["ConnectionArn"]
    assert cloud.ask("/_retide/connections", connection=arn)["status"] == "AVAILABLE"
    return arn


def failure(cloud: Cloud, pipeline: str, execution: str) -> Json:
    """The result of the execution's newest action."""
    chosen = {"pipelineExecutionId": execution}
    actions = cloud.codepipeline.list_action_executions(pipelineName=pipeline, filter=chosen)["actionExecutionDetails"]
    result: Json = actions[0]["output"]["executionResult"]
    return result


def test_a_push_before_the_handshake_starts_nothing_and_says_what_to_do(cloud: Cloud, tmp_path: Path) -> None:
    checkout = made(cloud, "road/pending", tmp_path)
    assert "nothing starts: no pipeline has a source in road/pending" in said(checkout)

    cloud.deploy("road-pending", template("road/pending", {"Ref": "Connection"}))
    (first,) = cloud.ended("road-pending", 1)
    checkout.commit("word")

    arn = outputs(cloud, "road-pending")["Connection"]
    assert f"its connection is PENDING, complete the handshake of {arn}" in said(checkout)
    assert failure(cloud, "road-pending", first["pipelineExecutionId"])["errorDetails"]["code"] == "RevisionUnavailable"


def test_a_push_goes_the_whole_road_and_every_push_has_an_outcome(cloud: Cloud, tmp_path: Path) -> None:
    checkout = made(cloud, "road/whole", tmp_path)
    checkout.push()
    cloud.deploy("road-whole", template("road/whole", connected(cloud, "whole")))
    good = checkout.git("rev-parse", "HEAD")
    token = eventually(lambda: cloud.token("road-whole"), "the approval waits", seconds=60)

    checkout.commit("docs/a.md", "README.md")
    assert "road-whole does not start: its triggers do not ask for branch main with changes in" in said(checkout)
    checkout.write("word", "bad")
    bad = checkout.commit()
    assert f"road-whole starts for {bad[:12]}" in said(checkout)
    answer = {"status": "Approved", "summary": "good"}
    place = {"pipelineName": "road-whole", "stageName": "Approval", "actionName": "Approve"}
    cloud.codepipeline.put_approval_result(**place, result=answer, token=token)
    ended = cloud.ended("road-whole", 2)

    told = {one["sourceRevisions"][0]["revisionId"]: one["status"] for one in ended}
    assert told == {good: "Succeeded", bad: "Failed"}
    result = failure(cloud, "road-whole", ended[-1]["pipelineExecutionId"])
    assert result["errorDetails"]["code"] == "JobFailed"
    assert 'test "$WORD" != bad' in result["errorDetails"]["message"]
    builds = cloud.client("codebuild").batch_get_builds(ids=[result["externalExecutionId"]])["builds"]
    assert builds[0]["buildStatus"] == "FAILED"


def test_a_template_that_changes_the_pipeline_restarts_it_when_asked(cloud: Cloud, tmp_path: Path) -> None:
    made(cloud, "road/restarted", tmp_path).push()
    body = template("road/restarted", connected(cloud, "restarted"), RestartExecutionOnUpdate=True)
    cloud.deploy("road-restarted", body)
    name = outputs(cloud, "road-restarted")["Pipeline"]
    eventually(lambda: cloud.token(name), "the approval waits", seconds=60)

    body["Resources"]["DeployProject"]["Properties"]["Description"] = "The pipeline is not touched"
    cloud.deploy("road-restarted", body)
    assert len(cloud.executions(name)) == 1
    body["Resources"]["Pipeline"]["Properties"]["Stages"].pop()
    cloud.deploy("road-restarted", body)

    eventually(lambda: len(cloud.executions(name)) == 2, "it was started anew")
    assert [(one["status"], one["trigger"]["triggerType"]) for one in cloud.executions(name)] == [
        ("Cancelled", "CreatePipeline"),
        ("InProgress", "StartPipelineExecution"),
    ]
    assert outputs(cloud, "road-restarted")["Version"] == "2"


def test_a_stack_that_is_deleted_takes_its_pipeline_and_connection_away(cloud: Cloud) -> None:
    cloud.deploy("road-gone", template("road/gone", {"Ref": "Connection"}))
    found = outputs(cloud, "road-gone")

    cloud.cloudformation.delete_stack(StackName="road-gone")

    def gone() -> bool:
        names = {one["name"] for one in cloud.codepipeline.list_pipelines()["pipelines"]}
        arns = {one["ConnectionArn"] for one in cloud.connections.list_connections()["Connections"]}
        return found["Pipeline"] not in names and found["Connection"] not in arns

    eventually(gone, "pipeline and connection are gone")


def test_a_template_with_what_is_not_built_fails_by_name(cloud: Cloud) -> None:
    body = template("road/refused", {"Ref": "Connection"}, ExecutionMode="PARALLEL")
    cloud.cloudformation.create_stack(StackName="road-refused", TemplateBody=json.dumps(body))

    def reasons() -> list[str]:
        events = cloud.cloudformation.describe_stack_events(StackName="road-refused")["StackEvents"]
        return [reason for event in events if (reason := event.get("ResourceStatusReason"))]

    found = eventually(lambda: [one for one in reasons() if "PARALLEL" in one], "the refusal is told")
    assert "pipeline.executionMode = PARALLEL is not supported by the local cloud" in found[0]


def test_events_of_a_pipeline_reach_a_queue_through_a_rule(cloud: Cloud, tmp_path: Path) -> None:
    sqs, events = cloud.client("sqs"), cloud.client("events")
    url = sqs.create_queue(QueueName="told")["QueueUrl"]
    queue = f"arn:aws:sqs:us-east-1:{cloud.running.account}:told"
    allowed = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": queue}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    pattern = {"source": ["aws.codepipeline"], "detail": {"state": ["FAILED"], "pipeline": ["road-told"]}}
    events.put_rule(Name="told", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="told", Targets=[{"Id": "queue", "Arn": queue}])

    cloud.deploy("road-told", template("road/told", {"Ref": "Connection"}))

    def received() -> list[Json]:
        messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        return [json.loads(message["Body"]) for message in messages]

    first = eventually(received, "the failure is told")
    assert first[0]["detail-type"].startswith("CodePipeline ")
    assert first[0]["detail"]["state"] == "FAILED"


def test_an_alarm_and_a_topic_of_the_cloud_take_part(cloud: Cloud, tmp_path: Path) -> None:
    made(cloud, "road/watched", tmp_path).push()
    cloudwatch, sns, sqs = cloud.client("cloudwatch"), cloud.client("sns"), cloud.client("sqs")
    sick = {"Namespace": "Any", "MetricName": "Errors", "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 1}
    cloudwatch.put_metric_alarm(AlarmName="sick", **sick, Threshold=1, ComparisonOperator="GreaterThanThreshold")
    cloudwatch.set_alarm_state(AlarmName="sick", StateValue="ALARM", StateReason="a test")
    topic = sns.create_topic(Name="notices")["TopicArn"]
    url = sqs.create_queue(QueueName="notices")["QueueUrl"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:us-east-1:{cloud.running.account}:notices")
    body = template("road/watched", connected(cloud, "watched"))
    stages = body["Resources"]["Pipeline"]["Properties"]["Stages"]
    stages[2]["Actions"][0]["Configuration"] = {"NotificationArn": topic, "CustomData": "#{Source.CommitId}"}
    kind = {"Category": "Rule", "Owner": "AWS", "Provider": "CloudWatchAlarm", "Version": "1"}
    watch = {"Name": "Watch", "RuleTypeId": kind, "Configuration": {"AlarmName": "sick"}}
    stages[3]["BeforeEntry"] = {"Conditions": [{"Result": "FAIL", "Rules": [watch]}]}
    cloud.deploy("road-watched", body)

    token = eventually(lambda: cloud.token("road-watched"), "the approval waits", seconds=60)
    messages = eventually(lambda: sqs.receive_message(QueueUrl=url).get("Messages"), "the notice arrives")
    assert json.loads(json.loads(messages[0]["Body"])["Message"])["approval"]["token"] == token
    answer = {"status": "Approved", "summary": "good"}
    place = {"pipelineName": "road-watched", "stageName": "Approval", "actionName": "Approve"}
    cloud.codepipeline.put_approval_result(**place, result=answer, token=token)

    (ended,) = cloud.ended("road-watched", 1)
    assert (ended["status"], ended["statusSummary"]) == ("Failed", "Watch: The alarm sick is in the state ALARM")
