"""The road over GitHub Actions: who may sign in, as whom, and what that role may do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from aws_cdk import App, Stack
from aws_cdk.assertions import Template

from infra.app import add
from infra.settings import Delivery, Road, SettingsError
from infra.stacks.github import GitHubStack
from tests.infra.conftest import ROOT

DELIVERY: Final = Delivery(repository="octo-org/tides", branch="trunk", road=Road.GITHUB_ACTIONS)
PROVIDER: Final = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"


def template(delivery: Delivery = DELIVERY) -> Template:
    return Template.from_stack(GitHubStack(App(), "retide-github", delivery=delivery))


@pytest.fixture(scope="module")
def stack() -> Template:
    return template()


def trust(stack: Template, environment: str) -> Any:
    found = stack.find_resources("AWS::IAM::Role", {"Properties": {"RoleName": f"retide-github-{environment}"}})
    (role,) = found.values()
    (statement,) = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    return statement


def granted(stack: Template, stage: str) -> list[Any]:
    return [
        statement
        for name, policy in stack.find_resources("AWS::IAM::Policy").items()
        if name.startswith(f"Deploys{stage}")
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
    ]


def actions(stack: Template, stage: str) -> set[str]:
    listed = ([one["Action"]] if isinstance(one["Action"], str) else one["Action"] for one in granted(stack, stage))
    return {action for names in listed for action in names}


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_only_a_job_of_this_repository_branch_and_environment_becomes_the_role(
    stack: Template, environment: str
) -> None:
    statement, issuer = trust(stack, environment), "token.actions.githubusercontent.com"
    assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert statement["Principal"] == {"Federated": {"Ref": "Provider"}}
    assert statement["Condition"] == {
        "StringEquals": {
            f"{issuer}:aud": "sts.amazonaws.com",
            f"{issuer}:repository": "octo-org/tides",
            f"{issuer}:ref": "refs/heads/trunk",
            f"{issuer}:environment": environment,
        },
        "StringLike": {
            f"{issuer}:sub": [
                f"repo:octo-org/tides:environment:{environment}",
                f"repo:octo-org@*/tides@*:environment:{environment}",
            ]
        },
    }


def test_a_provider_that_the_account_has_already_is_used_and_none_is_made() -> None:
    stack = template(replace(DELIVERY, github_provider_arn=PROVIDER))
    stack.resource_count_is("AWS::IAM::OIDCProvider", 0)
    assert trust(stack, "staging")["Principal"] == {"Federated": PROVIDER}


def test_the_stack_needs_no_function_of_its_own(stack: Template) -> None:
    kinds = {resource["Type"] for resource in stack.to_json()["Resources"].values()}
    assert kinds == {"AWS::IAM::OIDCProvider", "AWS::IAM::Role", "AWS::IAM::Policy"}


@pytest.mark.parametrize("stage", ["staging", "prod"])
def test_whoever_deploys_becomes_the_roles_of_the_bootstrap_and_no_other(stack: Template, stage: str) -> None:
    (assume,) = (one for one in granted(stack, stage) if one["Action"] == "sts:AssumeRole")
    ends = [
        part.split(":role/")[-1]
        for place in assume["Resource"]
        for part in place["Fn::Join"][1]
        if isinstance(part, str) and ":role/" in part
    ]
    assert ends == [f"cdk-hnb659fds-{kind}-" for kind in ("deploy-role", "file-publishing-role", "lookup-role")]
    assert "iam:PassRole" not in actions(stack, stage)


def test_in_production_the_smoke_test_can_change_nothing(stack: Template) -> None:
    reading = ("Describe", "Get", "List", "BatchGet", "Query", "InvokeEndpoint", "AssumeRole")
    assert {one for one in actions(stack, "prod") if not one.partition(":")[2].startswith(reading)} == set()
    assert {"s3:PutObject", "sqs:SendMessage"} <= actions(stack, "staging")


def test_a_role_may_do_what_story_load_and_smoke_ask_for_and_nothing_besides(stack: Template) -> None:
    looking = {
        "cloudformation:DescribeStacks",
        "dynamodb:BatchGetItem",
        "dynamodb:GetItem",
        "dynamodb:Query",
        "s3:GetObject",
        "s3:ListBucket",
        "sagemaker:DescribeEndpoint",
        "sagemaker:InvokeEndpoint",
        "sagemaker:ListModelPackages",
        "states:DescribeStateMachine",
        "states:GetExecutionHistory",
        "states:ListExecutions",
        "sts:AssumeRole",
    }
    assert actions(stack, "prod") == looking
    assert actions(stack, "staging") == looking | {"s3:PutObject", "sqs:SendMessage", "sqs:GetQueueAttributes"}


def test_a_session_lasts_as_long_as_the_job_that_it_is_for(stack: Template) -> None:
    """AWS ends one after an hour unless it is asked for longer, and the role allows it."""
    jobs = yaml.safe_load((ROOT / ".github/workflows/deliver.yml").read_text())["jobs"]
    for environment in ("staging", "production"):
        (sign_in,) = [step["with"] for step in jobs[environment]["steps"] if "role-to-assume" in step.get("with", {})]
        asked = sign_in.get("role-duration-seconds", 3600)
        (role,) = stack.find_resources(
            "AWS::IAM::Role", {"Properties": {"RoleName": f"retide-github-{environment}"}}
        ).values()
        assert jobs[environment]["timeout-minutes"] * 60 <= asked <= role["Properties"]["MaxSessionDuration"]


@pytest.mark.parametrize("stage", ["staging", "prod"])
def test_every_place_that_may_be_used_is_named_after_the_stage(stack: Template, stage: str) -> None:
    for statement in granted(stack, stage):
        if statement["Action"] != "sts:AssumeRole":
            places = statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
            assert all(f"retide-{stage}-" in str(place) for place in places), statement


def test_the_road_is_chosen_by_a_word_of_the_context(tmp_path: Path) -> None:
    app = App(outdir=str(tmp_path))
    add(app, ROOT, {"stage": "github", "repository": "octo-org/tides"})
    assert [stack.node.id for stack in app.node.children if isinstance(stack, Stack)] == ["retide-github"]


@pytest.mark.parametrize(
    ("context", "message"),
    [
        ({}, "no repository is named"),
        ({"repository": "tides"}, "repository 'tides' is none of GitHub: write it as owner/name"),
        ({"repository": "octo-org/tides", "level": "1"}, "delivery belongs to level 2"),
    ],
)
def test_a_road_over_github_that_cannot_be_says_why(context: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        add(App(), ROOT, {"stage": "github", **context})
