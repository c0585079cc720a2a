"""Roles may do what their code does and nothing else: judged from the templates, derived a second time by hand."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any, Final

import pytest

from infra.functions import ROWS
from tests.infra.conftest import Json, Templates

JOB_EVENTS: Final = {"events:PutTargets", "events:PutRule", "events:DescribeRule"}
# Beside what the ASL calls: a machine's own log delivery and traces, as AWS documents them.
DELIVERY: Final = {
    "logs:CreateLogDelivery",
    "logs:GetLogDelivery",
    "logs:UpdateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:DescribeResourcePolicies",
    "logs:DescribeLogGroups",
}
TRACES: Final = {
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
}
# AWS knows no narrower resource for these.
UNSCOPED: Final = (
    DELIVERY
    | TRACES
    | {
        "ecr:GetAuthorizationToken",
        "cloudwatch:PutMetricData",
        "sagemaker:ListModels",
        "sagemaker:ListEndpointConfigs",
        "sagemaker:ListEndpoints",
    }
)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _actions(statements: list[Json]) -> set[str]:
    return {action for statement in statements for action in _listed(statement["Action"])}


def _role_of(templates: Templates, kind: str, name: str) -> str:
    """The logical id of the role that a function (by folder) or a machine (by name) runs with."""
    for resource in templates.resources(kind).values():
        properties = resource["Properties"]
        if name in (properties.get("StateMachineName"), properties.get("Handler", "..").split(".")[1]):
            reference = properties["RoleArn"] if "RoleArn" in properties else properties["Role"]
            return str(reference["Fn::GetAtt"][0])
    raise LookupError(name)


def _calls(definition: str) -> set[str]:
    """The actions that a definition's Task states call, read from its text."""
    found: set[str] = set()
    for resource in re.findall(r'"Resource": *"arn:aws:states:::([^"]+)"', definition):
        if resource == "lambda:invoke":
            found.add("lambda:InvokeFunction")
            continue
        service, _, call = resource.removesuffix(".sync").removeprefix("aws-sdk:").partition(":")
        action = call[0].upper() + call[1:]
        found.add(f"{service}:{action}")
        if resource.endswith(".sync"):
            noun = action.removeprefix("Create")
            found |= {f"sagemaker:Describe{noun}", f"sagemaker:Stop{noun}", "sagemaker:AddTags", "sagemaker:ListTags"}
            found |= JOB_EVENTS
    if '"DeploymentConfig.$"' in definition:
        found.add("cloudwatch:DescribeAlarms")
    if '"DISTRIBUTED"' in definition:
        found |= {"states:StartExecution", "states:DescribeExecution", "states:StopExecution"}
    return found | ({"iam:PassRole"} if "RoleArn}" in definition else set())


@pytest.mark.parametrize("workflow", ["retrain", "rollout", "batch"])
def test_a_machine_may_do_what_its_tasks_call_and_nothing_else(templates: Templates, workflow: str) -> None:
    name = f"retide-{templates.stage}-{workflow}"
    machines = templates.resources("AWS::StepFunctions::StateMachine").values()
    (machine,) = [m["Properties"] for m in machines if m["Properties"]["StateMachineName"] == name]
    traced = TRACES if machine.get("TracingConfiguration", {}).get("Enabled") else set()
    granted = _actions(templates.statements(_role_of(templates, "AWS::StepFunctions::StateMachine", name)))
    assert granted == _calls(machine["DefinitionString"]) | DELIVERY | traced


def test_a_machine_with_a_distributed_map_starts_and_stops_nothing_but_executions_of_its_own(
    templates: Templates,
) -> None:
    name = f"retide-{templates.stage}-retrain"
    statements = templates.statements(_role_of(templates, "AWS::StepFunctions::StateMachine", name))
    places = {
        action: [json.dumps(place) for place in _listed(statement["Resource"])]
        for statement in statements
        for action in _listed(statement["Action"])
        if action.startswith("states:") or action == "s3:GetObject"
    }
    (started,) = places["states:StartExecution"]
    assert f':stateMachine:{name}"' in started
    assert len(places["states:StopExecution"]) == 2
    assert all(f":execution:{name}" in place for place in places["states:StopExecution"])
    (read,) = places["s3:GetObject"]
    assert "/runs/*" in read


@pytest.mark.parametrize("workflow", ["retrain", "rollout", "batch"])
def test_a_machine_may_invoke_exactly_the_functions_that_it_names(templates: Templates, workflow: str) -> None:
    name = f"retide-{templates.stage}-{workflow}"
    machines = templates.resources("AWS::StepFunctions::StateMachine").values()
    (machine,) = [m["Properties"] for m in machines if m["Properties"]["StateMachineName"] == name]
    values = machine["DefinitionSubstitutions"]
    named = {json.dumps(value) for key, value in values.items() if key.endswith("Function")}
    statements = templates.statements(_role_of(templates, "AWS::StepFunctions::StateMachine", name))
    granted = [r for s in statements if "lambda:InvokeFunction" in _listed(s["Action"]) for r in _listed(s["Resource"])]
    assert {json.dumps(resource) for resource in granted} == named


def test_a_role_is_passed_to_sagemaker_only_and_only_the_one_that_is_meant(templates: Templates) -> None:
    passes = [s for s in _all_statements(templates) if "iam:PassRole" in _listed(s["Action"])]
    passed = []
    for statement in passes:
        assert statement["Condition"] == {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
        passed += [role["Fn::GetAtt"][0].partition("Role")[0] for role in _listed(statement["Resource"])]
    assert sorted(passed) == ["Boosting", "Job", "Serving"]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_function_may_do_what_its_row_says_and_write_its_log(dev: Templates, row: Any) -> None:
    statements = dev.statements(_role_of(dev, "AWS::Lambda::Function", row.name))
    declared = {action for grant in row.grants for action in grant.actions}
    house = {"logs:CreateLogStream", "logs:PutLogEvents", "sqs:SendMessage"}
    assert _actions(statements) == declared | house


def test_a_function_sends_to_its_failures_and_to_arrivals_only_where_its_row_says_so(dev: Templates) -> None:
    for row in ROWS:
        statements = dev.statements(_role_of(dev, "AWS::Lambda::Function", row.name))
        places = [
            json.dumps(r)
            for s in statements
            if "sqs:SendMessage" in _listed(s["Action"])
            for r in _listed(s["Resource"])
        ]
        sends = any("sqs:SendMessage" in grant.actions for grant in row.grants)
        assert any("Failures" in place for place in places)
        assert any("Arrivals" in place for place in places) is sends, row.name


def test_no_statement_allows_everything(templates: Templates) -> None:
    for statement in _all_statements(templates):
        for action in _listed(statement["Action"]):
            assert "*" not in action
        if "*" in _listed(statement["Resource"]):
            assert set(_listed(statement["Action"])) <= UNSCOPED


def test_no_role_has_a_managed_policy(templates: Templates) -> None:
    for role in templates.resources("AWS::IAM::Role").values():
        assert "ManagedPolicyArns" not in role["Properties"]


def test_metrics_are_written_to_sagemakers_namespaces_and_our_own_only(templates: Templates) -> None:
    for statement in _all_statements(templates):
        if "cloudwatch:PutMetricData" in _listed(statement["Action"]):
            names = _listed(statement["Condition"]["StringEquals"]["cloudwatch:namespace"])
            assert all(name.startswith("/aws/sagemaker/") or name == "Retide" for name in names)


def test_lists_of_the_job_roles_are_kept_to_their_prefixes(templates: Templates) -> None:
    for prefix in ("BoostingRole", "JobRole", "ServingRole"):
        (role,) = [k.split("/")[1] for k in templates.resources("AWS::IAM::Role") if k.split("/")[1].startswith(prefix)]
        lists = [s for s in templates.statements(role) if "s3:ListBucket" in _listed(s["Action"])]
        assert lists
        assert all("s3:prefix" in statement["Condition"]["StringLike"] for statement in lists)


def test_a_job_cannot_write_what_binds_a_model_to_its_run(templates: Templates) -> None:
    (role,) = [k.split("/")[1] for k in templates.resources("AWS::IAM::Role") if "/JobRole" in k]
    statements = templates.statements(role)
    written = [r for s in statements if "s3:PutObject" in _listed(s["Action"]) for r in _listed(s["Resource"])]
    ends = {json.dumps(place).rpartition('"/')[2].rstrip(']}"') for place in written}
    assert ends == {
        "runs/*/evaluation/*",
        "runs/*/judging/*",
        "models/*",
        "experiments/*",
        "boosting/*/shards/*",
        "boosting/*/brief/*",
    }
    assert not {action for action in _actions(statements) if action.startswith("sagemaker:")}


def test_instances_that_learn_together_can_read_nothing_that_holds_a_row_of_the_holdout(templates: Templates) -> None:
    """Not the dataset, not its files, no earlier version of either: only shards, their brief, and code."""
    (role,) = [k.split("/")[1] for k in templates.resources("AWS::IAM::Role") if "/BoostingRole" in k]
    places: dict[str, set[str]] = {"s3:GetObject": set(), "s3:PutObject": set()}
    for statement in templates.statements(role):
        for action in places.keys() & {*_listed(statement["Action"])}:
            places[action] |= {
                json.dumps(place).rpartition('"/')[2].rstrip(']}"') for place in _listed(statement["Resource"])
            }
    code = {place for place in places["s3:GetObject"] if place.endswith("*.zip")}
    assert len(code) == 1
    assert places["s3:GetObject"] - code == {"boosting/*/shards/*", "boosting/*/brief/*"}
    assert places["s3:PutObject"] == {"boosting/*/output/*"}
    assert not {
        action for action in _actions(templates.statements(role)) if action.startswith(("sagemaker:", "dynamodb:"))
    }


def test_the_serving_role_reads_models_and_no_data(templates: Templates) -> None:
    (role,) = [k.split("/")[1] for k in templates.resources("AWS::IAM::Role") if "/ServingRole" in k]
    reads = [s for s in templates.statements(role) if "s3:GetObject" in _listed(s["Action"])]
    text = json.dumps(reads)
    assert "models/*" in text
    assert not any(f"{folder}/" in text for folder in ("incoming", "curated", "datasets", "runs", "quarantine"))


def test_sagemaker_takes_its_roles_for_this_account_only(templates: Templates) -> None:
    trusts = [r["Properties"]["AssumeRolePolicyDocument"] for r in templates.resources("AWS::IAM::Role").values()]
    ours = [s for t in trusts for s in t["Statement"] if s["Principal"] == {"Service": "sagemaker.amazonaws.com"}]
    assert len(ours) == 3
    for statement in ours:
        assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_sagemaker_is_reached_under_names_of_this_stage_only(templates: Templates) -> None:
    for statement in _all_statements(templates):
        if any(action.startswith("sagemaker:") for action in _listed(statement["Action"])):
            for resource in _listed(statement["Resource"]):
                text = json.dumps(resource)
                assert f"/retide-{templates.stage}-" in text or set(_listed(statement["Action"])) <= UNSCOPED


def test_every_granted_action_is_one_that_aws_knows(templates: Templates) -> None:
    for statement in _all_statements(templates):
        for action in _listed(statement["Action"]):
            service, _, name = action.partition(":")
            known = _service_actions().get(service, {}).get("Actions", {})
            assert name.lower() in known, f"{action} is no action that AWS knows"


@cache
def _service_actions() -> Json:
    text = files("cfnlint").joinpath("data/AdditionalSpecs/Policies.json").read_text()
    actions: Json = json.loads(text)
    return actions


def _all_statements(templates: Templates) -> Iterator[Json]:
    for policy in templates.resources("AWS::IAM::Policy").values():
        yield from policy["Properties"]["PolicyDocument"]["Statement"]
