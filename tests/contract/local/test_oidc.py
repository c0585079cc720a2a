"""OIDC providers in stacks, and the stack of the road over GitHub Actions, deployed as it is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import pytest
from aws_cdk import App
from aws_cdk.assertions import Template

from infra.settings import Delivery, Road
from infra.stacks.github import GitHubStack
from tests.contract.local.account import Account, Json
from tests.patience import eventually

ARN: Final = "arn:aws:iam::000000000000:oidc-provider/tokens.example.com"


@dataclass(frozen=True)
class Stack:
    """One stack of a cloud, whose template a test changes."""

    account: Account
    name: str

    @property
    def formation(self) -> Any:
        return self.account.client("cloudformation")

    def apply(self, template: Json, *, create: bool = False) -> str:
        """Create or update; the status that it comes to rest in."""
        change = self.formation.create_stack if create else self.formation.update_stack
        change(StackName=self.name, TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_NAMED_IAM"])
        return self.settled()

    def settled(self) -> str:
        return eventually(self._at_rest, f"{self.name} comes to rest")

    def _at_rest(self) -> str:
        status: str = self.formation.describe_stacks(StackName=self.name)["Stacks"][0]["StackStatus"]
        return "" if status.endswith("IN_PROGRESS") else status

    def reasons(self) -> str:
        events = self.formation.describe_stack_events(StackName=self.name)["StackEvents"]
        return " ".join(event.get("ResourceStatusReason", "") for event in events)

    def output(self, name: str) -> str:
        outputs = self.formation.describe_stacks(StackName=self.name)["Stacks"][0]["Outputs"]
        (value,) = (output["OutputValue"] for output in outputs if output["OutputKey"] == name)
        return str(value)


@pytest.fixture
def stack(ours: Account) -> Iterator[Stack]:
    made = Stack(ours, ours.name("providers"))
    yield made
    made.formation.delete_stack(StackName=made.name)


def provider(url: str = "https://tokens.example.com", *clients: str, **more: Any) -> Json:
    properties = {"Url": url, "ClientIdList": list(clients or ("one",)), **more}
    return {
        "Resources": {"Provider": {"Type": "AWS::IAM::OIDCProvider", "Properties": properties}},
        "Outputs": {"Ref": {"Value": {"Ref": "Provider"}}, "Arn": {"Value": {"Fn::GetAtt": ["Provider", "Arn"]}}},
    }


def clients_of(account: Account, arn: str) -> list[str]:
    found = account.client("iam").get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    clients: list[str] = found["ClientIDList"]
    return clients


def test_ref_of_a_provider_is_its_arn_and_its_clients_change_in_place(stack: Stack) -> None:
    assert stack.apply(provider(), create=True) == "CREATE_COMPLETE", stack.reasons()
    assert stack.output("Ref") == stack.output("Arn") == ARN

    assert stack.apply(provider("https://tokens.example.com", "one", "two")) == "UPDATE_COMPLETE", stack.reasons()
    assert stack.output("Ref") == ARN
    assert clients_of(stack.account, ARN) == ["one", "two"]


def test_another_address_is_another_provider_and_the_old_one_goes(stack: Stack) -> None:
    stack.apply(provider("https://old.example.com"), create=True)
    assert stack.apply(provider("https://new.example.com")) == "UPDATE_COMPLETE", stack.reasons()

    listed = stack.account.client("iam").list_open_id_connect_providers()["OpenIDConnectProviderList"]
    hosts = {one["Arn"].rsplit("/", 1)[-1] for one in listed}
    assert "new.example.com" in hosts
    assert "old.example.com" not in hosts


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        (provider("http://tokens.example.com"), "must begin with https://"),
        (provider(Colour="blue"), "does not support AWS::IAM::OIDCProvider with Colour"),
    ],
)
def test_what_aws_would_refuse_of_a_provider_is_refused(stack: Stack, template: Json, reason: str) -> None:
    assert stack.apply(template, create=True) == "ROLLBACK_COMPLETE"
    assert reason in stack.reasons()


def test_the_road_over_github_is_deployed_as_it_is(ours: Account, stack: Stack) -> None:
    delivery = Delivery(repository="octo-org/tides", road=Road.GITHUB_ACTIONS)
    template = dict(Template.from_stack(GitHubStack(App(), "retide-github", delivery=delivery)).to_json())
    ours.client("ssm").put_parameter(Name="/cdk-bootstrap/hnb659fds/version", Value="30", Type="String", Overwrite=True)

    assert stack.apply(template, create=True) == "CREATE_COMPLETE", stack.reasons()

    role = ours.client("iam").get_role(RoleName="retide-github-production")["Role"]
    (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"]["Federated"].endswith(":oidc-provider/token.actions.githubusercontent.com")
