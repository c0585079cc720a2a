"""A running cloud as a person with boto3 and git sees it, and a pipeline's template with all that it needs."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import boto3
import urllib3

from retide.local.cloud import Running
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
