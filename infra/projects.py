"""Every CodeBuild project of delivery as a row: its limit and its size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aws_cdk import aws_codebuild as codebuild

SMALL: Final = codebuild.ComputeType.SMALL
LARGE: Final = codebuild.ComputeType.LARGE


@dataclass(frozen=True, slots=True)
class Row:
    """`name` is the buildspec infra/buildspecs/<name>.yml; a build that takes more than `minutes` is ended.

    `leaves` says whether it leaves an artefact for those after it: only such a one may write to their bucket.
    """

    name: str
    minutes: int
    compute: codebuild.ComputeType
    leaves: bool = False

    @property
    def project(self) -> str:
        return f"retide-delivery-{self.name}"

    @property
    def buildspec(self) -> str:
        return f"infra/buildspecs/{self.name}.yml"


BUILD: Final = Row(name="build", minutes=60, compute=LARGE, leaves=True)
SELF_UPDATE: Final = Row(name="self-update", minutes=20, compute=SMALL)
# The story trains, evaluates and rolls out several times over, and each deployment may wait for CloudFormation.
STAGING: Final = Row(name="staging", minutes=180, compute=SMALL)
PRODUCTION: Final = Row(name="production", minutes=60, compute=SMALL)

ROWS: Final = (BUILD, SELF_UPDATE, STAGING, PRODUCTION)
