"""Rules of our own about templates and state machines, beside cdk-nag's."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

Json = Mapping[str, Any]
Rule = Callable[[Json], Iterator[str]]

# AWS knows no narrower resource for these.
UNSCOPED: Final = frozenset(
    {
        "cloudwatch:PutMetricData",
        "ecr:GetAuthorizationToken",
        "logs:CreateLogDelivery",
        "logs:DeleteLogDelivery",
        "logs:DescribeLogGroups",
        "logs:DescribeResourcePolicies",
        "logs:GetLogDelivery",
        "logs:ListLogDeliveries",
        "logs:PutResourcePolicy",
        "logs:UpdateLogDelivery",
        "sagemaker:ListEndpointConfigs",
        "sagemaker:ListEndpoints",
        "sagemaker:ListModels",
        "xray:GetSamplingRules",
        "xray:GetSamplingTargets",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    }
)


def broken(folder: Path) -> Iterator[str]:
    """`<rule> <stack>/<logical id>` for every rule that a template of the assembly breaks."""
    for file in sorted(folder.glob("*.template.json")):
        template: Json = json.loads(file.read_text(encoding="utf-8"))
        stack = file.name.removesuffix(".template.json")
        for rule, check in RULES.items():
            yield from (f"{rule} {stack}/{found}" for found in check(template))


def _resources(template: Json, kind: str) -> Iterator[tuple[str, Json]]:
    for name, resource in template.get("Resources", {}).items():
        if resource["Type"] == kind:
            yield name, resource.get("Properties", {})


def _statements(template: Json) -> Iterator[tuple[str, Json]]:
    for name, properties in _resources(template, "AWS::IAM::Policy"):
        for statement in properties["PolicyDocument"]["Statement"]:
            yield name, statement


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _wildcard_actions(template: Json) -> Iterator[str]:
    for name, statement in _statements(template):
        yield from (f"{name} ({action})" for action in _listed(statement["Action"]) if "*" in action)


def _unscoped(template: Json) -> Iterator[str]:
    for name, statement in _statements(template):
        if "*" in _listed(statement["Resource"]):
            yield from (f"{name} ({action})" for action in _listed(statement["Action"]) if action not in UNSCOPED)


def _managed(template: Json) -> Iterator[str]:
    return (name for name, properties in _resources(template, "AWS::IAM::Role") if "ManagedPolicyArns" in properties)


def _endless_logs(template: Json) -> Iterator[str]:
    groups = _resources(template, "AWS::Logs::LogGroup")
    return (name for name, properties in groups if "RetentionInDays" not in properties)


def _fragile_tasks(template: Json) -> Iterator[str]:
    for name, properties in _resources(template, "AWS::StepFunctions::StateMachine"):
        for title, state in json.loads(properties["DefinitionString"])["States"].items():
            limited = "TimeoutSeconds" in state or "TimeoutSecondsPath" in state
            if state["Type"] == "Task" and not (limited and state.get("Retry") and state.get("Catch")):
                yield f"{name} ({title})"


def _silent_builds(template: Json) -> Iterator[str]:
    for name, properties in _resources(template, "AWS::CodeBuild::Project"):
        if "TimeoutInMinutes" not in properties or "LogsConfig" not in properties:
            yield name


RULES: Final[Mapping[str, Rule]] = {
    "an-action-is-a-wildcard": _wildcard_actions,
    "a-resource-is-a-wildcard-without-need": _unscoped,
    "a-role-has-a-managed-policy": _managed,
    "a-log-never-ends": _endless_logs,
    "a-task-lacks-limit-retry-or-catch": _fragile_tasks,
    "a-build-lacks-limit-or-log": _silent_builds,
}
