"""The other road: GitHub Actions signs in by OIDC, as one role for each environment, and leaves no key anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from aws_cdk import CfnOutput, Duration, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.names import Names
from infra.parts.deployer import may_deploy, may_observe, may_operate
from infra.settings import Delivery

ISSUER: Final = "token.actions.githubusercontent.com"
AUDIENCE: Final = "sts.amazonaws.com"
# GitHub's environment, and the stage that it deploys.
ENVIRONMENTS: Final[Mapping[str, str]] = {"staging": "staging", "production": "prod"}
# Nobody renews what a job signed in with, and the story alone may take longer than the hour that AWS gives by itself.
SESSION: Final = Duration.hours(2)


class GitHubStack(Stack):
    """`roles` by environment; an account has one provider for GitHub, so one that is there already is used."""

    def __init__(self, scope: Construct, id_: str, *, delivery: Delivery, **options: Any) -> None:
        super().__init__(scope, id_, **options)
        provider = delivery.github_provider_arn or self._provider().ref
        self.roles = {
            environment: self._role(environment, Names(stage), delivery, provider)
            for environment, stage in ENVIRONMENTS.items()
        }

    def _provider(self) -> iam.CfnOIDCProvider:
        """AWS checks GitHub's certificate by its own list of authorities: no thumbprint is needed."""
        return iam.CfnOIDCProvider(self, "Provider", url=f"https://{ISSUER}", client_id_list=[AUDIENCE])

    def _role(self, environment: str, names: Names, delivery: Delivery, provider: str) -> iam.Role:
        role = iam.Role(
            self,
            f"Deploys-{names.stage}",
            role_name=f"retide-github-{environment}",
            description=f"{delivery.repository} deploys {names.stage} from {delivery.branch}",
            assumed_by=iam.WebIdentityPrincipal(provider, _claims(delivery, environment)),
            max_session_duration=SESSION,
        )
        may_deploy(role)
        (may_observe if environment == "production" else may_operate)(role, names)
        CfnOutput(self, f"Role-{environment}", value=role.role_arn)
        return role


def _claims(delivery: Delivery, environment: str) -> dict[str, dict[str, str | list[str]]]:
    """What GitHub's token must say. Repositories made since June 2026 have numbers in their subject, older ones not;
    no name can hold an @, and the exact name is asked for besides.
    """
    owner, _, name = delivery.repository.partition("/")
    exact = {
        "aud": AUDIENCE,
        "repository": delivery.repository,
        "ref": f"refs/heads/{delivery.branch}",
        "environment": environment,
    }
    subjects = [f"repo:{who}:environment:{environment}" for who in (f"{owner}/{name}", f"{owner}@*/{name}@*")]
    return {
        "StringEquals": {f"{ISSUER}:{claim}": value for claim, value in exact.items()},
        "StringLike": {f"{ISSUER}:sub": subjects},
    }
