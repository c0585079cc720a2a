"""The whole road on a running cloud, driven by git and boto3 alone: push, pipeline from a template, build, approval."""

from __future__ import annotations

import json
from pathlib import Path

from retide.local.interfaces import Json
from tests.contract.local_codepipeline.clouds import Cloud, connected, failure, made, outputs, said, template
from tests.patience import eventually


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
