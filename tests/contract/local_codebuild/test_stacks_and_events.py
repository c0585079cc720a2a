"""Projects as stacks make them, and builds as EventBridge tells of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.contract.local_codebuild.bench import ENVIRONMENT, ROLE, Bench, buildspec
from tests.patience import eventually

SPEC = buildspec("[echo from the stack]")


def template(**properties: Any) -> str:
    """A stack with one project, its properties as the CDK writes them."""
    project = {
        "ServiceRole": ROLE,
        "Source": {"Type": "NO_SOURCE", "BuildSpec": SPEC},
        "Artifacts": {"Type": "NO_ARTIFACTS"},
        "Environment": {
            "Type": "LINUX_CONTAINER",
            "Image": ENVIRONMENT["image"],
            "ComputeType": "BUILD_GENERAL1_SMALL",
            "ImagePullCredentialsType": "CODEBUILD",
            "PrivilegedMode": False,
            "EnvironmentVariables": [{"Name": "A", "Type": "PLAINTEXT", "Value": "b"}],
        },
        "Cache": {"Type": "LOCAL", "Modes": ["LOCAL_CUSTOM_CACHE"]},
        "EncryptionKey": "alias/aws/s3",
        "TimeoutInMinutes": "45",
        "LogsConfig": {"CloudWatchLogs": {"Status": "ENABLED", "GroupName": "/stack"}},
        **properties,
    }
    outputs = {"Name": {"Value": {"Ref": "Project"}}, "Arn": {"Value": {"Fn::GetAtt": ["Project", "Arn"]}}}
    kept = {name: value for name, value in project.items() if value is not None}
    return json.dumps(
        {"Resources": {"Project": {"Type": "AWS::CodeBuild::Project", "Properties": kept}}, "Outputs": outputs}
    )


def settled(bench: Bench, stack: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        described: dict[str, Any] = bench.stacks.describe_stacks(StackName=stack)["Stacks"][0]
        return described if not described["StackStatus"].endswith("IN_PROGRESS") else None

    return eventually(look, f"the stack {stack} settles")


def outputs(stack: dict[str, Any]) -> dict[str, str]:
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def project(bench: Bench, name: str) -> dict[str, Any] | None:
    found = bench.codebuild.batch_get_projects(names=[name])["projects"]
    return found[0] if found else None


def test_a_stack_makes_changes_and_deletes_a_project_whose_builds_really_run(bench: Bench) -> None:
    bench.stacks.create_stack(StackName="codebuild-life", TemplateBody=template())
    made = outputs(settled(bench, "codebuild-life"))
    assert made["Arn"].endswith(f":project/{made['Name']}")
    described = project(bench, made["Name"])
    assert described is not None
    assert (described["timeoutInMinutes"], described["cache"]["modes"]) == (45, ["LOCAL_CUSTOM_CACHE"])
    assert described["source"]["buildspec"] == SPEC
    assert bench.said(bench.ended(bench.start(made["Name"]))) == ["from the stack"]

    changed = template(Source={"Type": "NO_SOURCE", "BuildSpec": buildspec("[echo changed]")}, TimeoutInMinutes=None)
    bench.stacks.update_stack(StackName="codebuild-life", TemplateBody=changed)
    assert outputs(settled(bench, "codebuild-life")) == made
    assert bench.said(bench.ended(bench.start(made["Name"]))) == ["changed"]
    described = project(bench, made["Name"])
    assert described is not None
    assert described["timeoutInMinutes"] == 60

    bench.stacks.update_stack(StackName="codebuild-life", TemplateBody=template(Name="renamed-project"))
    assert outputs(settled(bench, "codebuild-life"))["Name"] == "renamed-project"
    assert project(bench, made["Name"]) is None

    bench.stacks.delete_stack(StackName="codebuild-life")
    eventually(lambda: project(bench, "renamed-project") is None, "the project is deleted")


@pytest.mark.parametrize(
    ("properties", "named"),
    [
        ({"Triggers": {"Webhook": True}}, "AWS::CodeBuild::Project with Triggers"),
        ({"Visibility": "PUBLIC_READ"}, "Visibility PUBLIC_READ"),
        ({"Source": {"Type": "NO_SOURCE", "BuildSpec": SPEC, "Shape": "round"}}, "with Source.Shape"),
        ({"VpcConfig": {"VpcId": "vpc-1"}}, "vpcConfig"),
        ({"Cache": {"Type": "S3", "Location": "b"}}, "cache.type = S3"),
    ],
)
def test_a_stack_with_what_is_not_supported_fails_by_its_name(
    bench: Bench, properties: dict[str, Any], named: str
) -> None:
    stack = f"codebuild-refused-{len(named)}"
    bench.stacks.create_stack(StackName=stack, TemplateBody=template(**properties))

    settled(bench, stack)

    events = bench.stacks.describe_stack_events(StackName=stack)["StackEvents"]
    assert any(named in event.get("ResourceStatusReason", "") for event in events)


def test_an_update_to_what_is_not_supported_leaves_the_project_as_it_was(bench: Bench) -> None:
    bench.stacks.create_stack(StackName="codebuild-kept", TemplateBody=template())
    name = outputs(settled(bench, "codebuild-kept"))["Name"]

    bench.stacks.update_stack(StackName="codebuild-kept", TemplateBody=template(BadgeEnabled=True))

    assert "ROLLBACK" in settled(bench, "codebuild-kept")["StackStatus"]
    kept = project(bench, name)
    assert kept is not None
    assert kept["source"]["buildspec"] == SPEC


def heard(bench: Bench, queue: str, until: str) -> list[dict[str, Any]]:
    """The events of a queue up to the one with this status."""
    events: list[dict[str, Any]] = []

    def look() -> bool:
        answer = bench.sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        for message in answer.get("Messages", ()):
            events.append(json.loads(message["Body"]))
            bench.sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return any(event["detail"].get("build-status") == until for event in events)

    eventually(look, f"an event says {until}")
    return events


def test_events_tell_of_every_phase_and_of_the_end(bench: Bench) -> None:
    name = bench.project(buildspec("[exit 3]"))
    queue = bench.sqs.create_queue(QueueName="codebuild-events")["QueueUrl"]
    arn = bench.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    allow = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage"}
    policy = {"Version": "2012-10-17", "Statement": [allow | {"Resource": arn}]}
    bench.sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps(policy)})
    pattern = {"source": ["aws.codebuild"], "detail": {"project-name": [name]}}
    bench.events.put_rule(Name="codebuild-events", EventPattern=json.dumps(pattern))
    bench.events.put_targets(Rule="codebuild-events", Targets=[{"Id": "queue", "Arn": arn}])

    build = bench.ended(bench.start(name))

    events = heard(bench, queue, "FAILED")
    states = [event["detail"] for event in events if event["detail-type"] == "CodeBuild Build State Change"]
    phases = [event["detail"] for event in events if event["detail-type"] == "CodeBuild Build Phase Change"]
    assert [state["build-status"] for state in states] == ["IN_PROGRESS", "FAILED"]
    assert {event["resources"][0] for event in events} == {build["arn"]} == {state["build-id"] for state in states}
    assert [phase["completed-phase"] for phase in phases] == [
        phase["phaseType"] for phase in build["phases"] if phase["phaseType"] != "COMPLETED"
    ]
    failed = next(phase for phase in phases if phase["completed-phase"] == "BUILD")
    assert failed["completed-phase-status"] == "FAILED"
    assert "Reason: exit status 3" in failed["completed-phase-context"]
    more = states[-1]["additional-information"]
    assert more["build-complete"] is True
    assert more["logs"] == {"group-name": f"/aws/codebuild/{name}", "stream-name": build["id"].split(":")[1]}
    assert [phase["phase-type"] for phase in more["phases"]][-1] == "COMPLETED"
