"""The two usual designs, as one small stack: every event starts an execution; or does so under its key as a name."""

from __future__ import annotations

import json
from typing import Any, Final

EACH: Final = "bench-one-event-one-execution"
NAMED: Final = "bench-execution-named-by-key"
STACK: Final = "bench-naive"

STARTER: Final = """
import json, os, re
import boto3

machines = boto3.client("stepfunctions")

def handler(event, context):
    for record in event["Records"]:
        found = json.loads(record["body"])["detail"]["object"]
        name = re.sub("[^A-Za-z0-9_-]", "-", found["key"])[:80]
        try:
            machines.start_execution(stateMachineArn=os.environ["MACHINE"], name=name, input=json.dumps(found))
        except machines.exceptions.ExecutionAlreadyExists:
            print("a file of this name was processed before")
"""
"""As in samples: the name is to keep an event that is delivered twice from being processed twice."""

RUN: Final = {"StartAt": "Run", "States": {"Run": {"Type": "Pass", "End": True}}}
"""What would train: it costs nothing here, since only how often it is started is measured."""


def template(bucket: str) -> str:
    """A CloudFormation template; both designs hear of what is put under incoming/."""
    pattern = {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {"bucket": {"name": [bucket]}, "object": {"key": [{"prefix": "incoming/"}]}},
    }
    resources = {
        "Role": _role(),
        "Each": _machine(EACH),
        "EachRule": _rule(pattern, {"Arn": {"Ref": "Each"}, "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]}}),
        "Named": _machine(NAMED),
        "Starter": _function(),
        "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": 360}},
        "QueuePolicy": _queue_policy(),
        "NamedRule": _rule(pattern, {"Arn": {"Fn::GetAtt": ["Queue", "Arn"]}}),
        "Reads": {
            "Type": "AWS::Lambda::EventSourceMapping",
            "Properties": {
                "EventSourceArn": {"Fn::GetAtt": ["Queue", "Arn"]},
                "FunctionName": {"Ref": "Starter"},
                "ScalingConfig": {"MaximumConcurrency": 2},
            },
        },
    }
    return json.dumps({"Resources": resources, "Outputs": {"NaiveQueueUrl": {"Value": {"Ref": "Queue"}}}})


def _role() -> dict[str, Any]:
    services = ["states.amazonaws.com", "events.amazonaws.com", "lambda.amazonaws.com"]
    assume = {"Effect": "Allow", "Principal": {"Service": services}, "Action": "sts:AssumeRole"}
    actions = ["states:StartExecution", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
    start = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    policy = {"PolicyName": "start", "PolicyDocument": {"Version": "2012-10-17", "Statement": [start]}}
    document = {"Version": "2012-10-17", "Statement": [assume]}
    return {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": document, "Policies": [policy]}}


def _queue_policy() -> dict[str, Any]:
    send = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": {"Fn::GetAtt": ["Queue", "Arn"]},
    }
    document = {"Version": "2012-10-17", "Statement": [send]}
    return {"Type": "AWS::SQS::QueuePolicy", "Properties": {"Queues": [{"Ref": "Queue"}], "PolicyDocument": document}}


def _machine(name: str) -> dict[str, Any]:
    properties = {
        "StateMachineName": name,
        "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
        "DefinitionString": json.dumps(RUN),
    }
    return {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}


def _rule(pattern: dict[str, Any], target: dict[str, Any]) -> dict[str, Any]:
    return {
        "Type": "AWS::Events::Rule",
        "Properties": {"EventPattern": pattern, "Targets": [{"Id": "target", **target}]},
    }


def _function() -> dict[str, Any]:
    properties = {
        "Runtime": "python3.12",
        "Handler": "index.handler",
        "Role": {"Fn::GetAtt": ["Role", "Arn"]},
        "Timeout": 60,
        "Environment": {"Variables": {"MACHINE": {"Ref": "Named"}}},
        "Code": {"ZipFile": STARTER},
    }
    return {"Type": "AWS::Lambda::Function", "Properties": properties}
