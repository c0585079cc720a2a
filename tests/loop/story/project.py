"""A working copy of the project with models of the tests' own, deployed by the real CDK CLI."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from retide.demo.workcopy import copy_project
from tests.loop.conftest import BOOSTING_PYTHON

ROOT = Path(__file__).parents[3]
MODELS = Path(__file__).parent / "models"
COPIES = {
    "fragile": "fragile",
    "changing": "fragile",
    "orchard": "orchard",
    "garden": "orchard",
    "vineyard": "orchard",
    "hedge": "orchard",
    "meadow": "meadow",
    "heath": "meadow",
    "grove": "grove",
    "storm": "fragile",
    "tempest": "fragile",
    "squall": "fragile",
    "gust": "fragile",
    "breeze8": "orchard",
    "breeze50": "orchard",
    **dict.fromkeys(("ash", "birch", "cedar", "elm", "fir"), "gale"),
    **({"together": "together"} if BOOSTING_PYTHON.exists() else {}),
}
"""Models of the deployed stage and the folder that each is made of: every file of tests has models to itself."""
UNHURRIED = (
    "storm",
    "tempest",
    "squall",
    "gust",
)  # nothing hangs in them, and a busy machine takes longer than `fragile` may
ON_INSTANCES = "serving: {profile: instance, bake_seconds: 60, latency_ms: 2500}\n"


@dataclass(frozen=True)
class Project:
    """A copy that a test may edit; `environment` points the CDK CLI at the local cloud."""

    root: Path
    environment: Mapping[str, str]

    @classmethod
    def copied_to(cls, root: Path, environment: Mapping[str, str]) -> Project:
        copy_project(ROOT, root)
        for model, source in COPIES.items():
            shutil.copytree(MODELS / source, root / "training" / "models" / model)
        project = cls(root, environment)
        for model in UNHURRIED:
            project.edit(
                f"training/models/{model}/contract.yaml", lambda text: text.replace("seconds: 30}", "seconds: 900}")
            )
        project.edit("training/models/gust/contract.yaml", lambda text: text + ON_INSTANCES)
        return project

    def edit(self, path: str, change: Callable[[str], str]) -> None:
        file = self.root / path
        before = file.read_text()
        after = change(before)
        assert after != before, f"the edit of {path} changed nothing"
        file.write_text(after)

    def bootstrap(self, environment: str) -> str:
        """Prepare an account; without an app, which would only be synthesised in vain."""
        return self.cdk("bootstrap", environment, "--app", "")

    def deploy(self, *options: str) -> str:
        return self.cdk("deploy", "--all", "--require-approval", "never", *options)

    def cdk(self, *words: str) -> str:
        """Run the CDK CLI in the copy; returns what it printed, fails with it."""
        command = [str(ROOT / "node_modules" / ".bin" / "cdk"), *words]
        done = subprocess.run(
            command, cwd=self.root, env=os.environ | self.environment, capture_output=True, text=True, check=False
        )
        said = done.stdout + done.stderr
        assert done.returncode == 0, said
        return said
