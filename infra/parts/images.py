"""The official SageMaker images: whose registry holds them in which region."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aws_cdk import Aws, CfnMapping
from constructs import Construct

from infra.names import arn

OTHER_PARTITIONS: Final = ("cn-", "us-gov-", "us-iso", "eu-iso", "eusc-")
FILE: Final = Path(__file__).parent.parent / "images.json"


class UnknownRegion(ValueError):
    """AWS does not publish the image there, or not under the ARNs that Retide writes; the message names the region."""


@dataclass(frozen=True, slots=True)
class Image:
    """The image of all jobs and endpoints, and XGBoost's, which the same accounts publish."""

    repository: str
    tag: str
    boosting_repository: str
    boosting_tag: str
    accounts: Mapping[str, str]

    @classmethod
    def load(cls) -> Image:
        return cls(**json.loads(FILE.read_text(encoding="utf-8")))

    def check(self, region: str) -> None:
        """Raises UnknownRegion with one line."""
        if region.startswith(OTHER_PARTITIONS):
            raise UnknownRegion(
                f"region {region!r} lies outside the partition `aws` (China, GovCloud, isolated and sovereign clouds): "
                "the state machines name services by ARNs of that partition"
            )
        if region not in self.accounts:
            known = ", ".join(sorted(self.accounts))
            raise UnknownRegion(
                f"AWS publishes {self.repository}:{self.tag} in no registry for {region!r}; known are {known}"
            )


class ImageRegistry(Construct):
    """The image's address in whichever region the stack is deployed to: `uri`, and `repository_arn` to pull from.

    `boosting_uri` and `boosting_repository_arn` are those of XGBoost's image.
    """

    def __init__(self, scope: Construct, id_: str, image: Image) -> None:
        super().__init__(scope, id_)
        mapping = CfnMapping(
            self,
            "Accounts",
            mapping={region: {"account": account} for region, account in image.accounts.items()},
        )
        account = mapping.find_in_map(Aws.REGION, "account")
        host = f"{account}.dkr.ecr.{Aws.REGION}.{Aws.URL_SUFFIX}"
        self.uri = f"{host}/{image.repository}:{image.tag}"
        self.repository_arn = arn("ecr", f"repository/{image.repository}", account=account)
        self.boosting_uri = f"{host}/{image.boosting_repository}:{image.boosting_tag}"
        self.boosting_repository_arn = arn("ecr", f"repository/{image.boosting_repository}", account=account)
