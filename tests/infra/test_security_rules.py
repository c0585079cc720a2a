"""What cdk-nag and our own rules find is known with its reason, and no reason is kept in vain."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from infra.nag import ACKNOWLEDGED, findings, judge
from infra.rules import RULES, broken


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return list(findings(tmp_path_factory.mktemp("nag")))


def test_every_finding_of_cdk_nag_and_of_our_rules_is_known_with_its_reason(found: list[str]) -> None:
    assert judge(found).unknown == ()


def test_no_finding_is_acknowledged_that_is_not_there(found: list[str]) -> None:
    assert judge(found).idle == ()


def test_a_new_finding_is_not_taken_for_a_known_one(found: list[str]) -> None:
    assert judge([*found, "S1 retide-prod-serving/Other/Resource"]).unknown == (
        "S1 retide-prod-serving/Other/Resource",
    )


def test_no_rule_of_our_own_is_acknowledged_away() -> None:
    assert not [pattern for pattern in ACKNOWLEDGED for rule in RULES if rule.startswith(pattern.split()[0])]


def _policy(action: str, resource: str) -> dict[str, Any]:
    return {"PolicyDocument": {"Statement": [{"Effect": "Allow", "Action": action, "Resource": resource}]}}


@pytest.mark.parametrize(
    ("rule", "kind", "properties"),
    [
        ("an-action-is-a-wildcard", "AWS::IAM::Policy", _policy("s3:*", "arn:aws:s3:::b")),
        ("a-resource-is-a-wildcard-without-need", "AWS::IAM::Policy", _policy("s3:GetObject", "*")),
        ("a-role-has-a-managed-policy", "AWS::IAM::Role", {"ManagedPolicyArns": ["AdministratorAccess"]}),
        ("a-log-never-ends", "AWS::Logs::LogGroup", {}),
        (
            "a-task-lacks-limit-retry-or-catch",
            "AWS::StepFunctions::StateMachine",
            {
                "DefinitionString": json.dumps(
                    {"States": {"Gate": {"Type": "Task", "TimeoutSeconds": 1, "Retry": [{}]}}}
                )
            },
        ),
        ("a-build-lacks-limit-or-log", "AWS::CodeBuild::Project", {"TimeoutInMinutes": 5}),
    ],
)
def test_a_template_that_breaks_a_rule_of_our_own_is_found(
    tmp_path: Path, rule: str, kind: str, properties: dict[str, Any]
) -> None:
    template = {"Resources": {"Thing": {"Type": kind, "Properties": properties}}}
    (tmp_path / "stack.template.json").write_text(json.dumps(template))
    assert [one.split(" (")[0] for one in broken(tmp_path)] == [f"{rule} stack/Thing"]
