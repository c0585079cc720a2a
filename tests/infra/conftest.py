"""Every stage synthesised once: jsii takes seconds to start, and templates do not change while tests read them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest
from aws_cdk import App

from infra.app import add_stacks
from infra.settings import LEVEL, STAGES, Level, Settings
from retide.domain.environment import Environment

ROOT: Final = Path(__file__).resolve().parents[2]
BUNDLED: Final = ("functions", "training", "retide", "requirements")

Json = dict[str, Any]


class Templates:
    """The templates of one stage by their part, as CloudFormation gets them."""

    def __init__(self, folder: Path, stage: str) -> None:
        self.stage = stage
        self.files = {
            part: folder / f"retide-{stage}-{part}.template.json" for part in ("data", "retraining", "serving")
        }
        self.parts: dict[str, Json] = {part: json.loads(file.read_text()) for part, file in self.files.items()}

    def resources(self, kind: str, part: str | None = None) -> dict[str, Json]:
        """The resources of a type by part and logical id, in one part or in all."""
        return {
            f"{name}/{logical_id}": resource
            for name, template in self.parts.items()
            if part in (None, name)
            for logical_id, resource in template["Resources"].items()
            if resource["Type"] == kind
        }

    def outputs(self, part: str) -> Json:
        return {name: output["Value"] for name, output in self.parts[part]["Outputs"].items()}

    def functions(self) -> dict[str, Json]:
        """The properties of every function by the folder it runs."""
        found = self.resources("AWS::Lambda::Function").values()
        return {function["Properties"]["Handler"].split(".")[1]: function["Properties"] for function in found}

    def statements(self, role: str) -> list[Json]:
        """What a role may do, by the logical id of the role: all statements of all policies that are attached to it."""
        policies = self.resources("AWS::IAM::Policy").values()
        return [
            statement
            for policy in policies
            if {"Ref": role} in policy["Properties"]["Roles"]
            for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        ]


def synthesise(
    folder: Path, stage: str, root: Path = ROOT, level: Level = LEVEL, settings: Settings | None = None
) -> Templates:
    app = App(outdir=str(folder), context={"aws:cdk:disable-asset-staging": True, **_flags()})
    add_stacks(app, root, settings or STAGES[stage], commit="0" * 40, level=level)
    app.synth()
    return Templates(folder, stage)


def _flags() -> Mapping[str, Any]:
    flags: Mapping[str, Any] = json.loads((ROOT / "cdk.json").read_text())["context"]
    return flags


@pytest.fixture(scope="session")
def stages(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Templates]:
    return {stage: synthesise(tmp_path_factory.mktemp(stage), stage) for stage in STAGES}


@pytest.fixture(scope="session")
def dev(stages: Mapping[str, Templates]) -> Templates:
    return stages["dev"]


@pytest.fixture(params=sorted(STAGES))
def templates(request: pytest.FixtureRequest, stages: Mapping[str, Templates]) -> Templates:
    return stages[request.param]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what infra bundles, whose models a test may change; compiled packages are the checkout's own."""
    root = tmp_path / "checkout"
    for folder in BUNDLED:
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__", "local", "cli"))
    (root / "build").mkdir()
    (root / "build/packages").symlink_to(ROOT / "build/packages")
    return root


def variables() -> frozenset[str]:
    names = Environment.__dataclass_fields__
    return frozenset(Environment(**dict.fromkeys(names, "x")).to_variables())
