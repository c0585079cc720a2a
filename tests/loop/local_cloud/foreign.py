"""The foreign app in a folder of its own, driven by the real CDK command line."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import boto3

from retide.local.cloud import Running

ROOT: Final = Path(__file__).resolve().parents[3]
SOURCE: Final = Path(__file__).parent / "foreign_app"
CDK: Final = ROOT / "node_modules" / ".bin" / "cdk"
SYNTHESISE: Final = f"{sys.executable} app.py"
BUILT: Final = "cdk.out"


@dataclass(frozen=True, slots=True)
class ForeignApp:
    """`folder` is a copy that a test may change; nothing of this repository is on its path."""

    folder: Path
    environment: Mapping[str, str]
    endpoint_url: str

    @classmethod
    def copied_to(cls, folder: Path, running: Running) -> ForeignApp:
        shutil.copytree(SOURCE, folder, ignore=shutil.ignore_patterns("__pycache__"))
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        return cls(folder, {**kept, **running.environment()}, running.endpoint_url)

    def cdk(self, *words: str) -> str:
        """Run the CDK and give everything that it wrote."""
        command = [str(CDK), "--no-version-reporting", "--no-color", "--no-notices", *words]
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )
        output = done.stdout + done.stderr
        assert done.returncode == 0, output
        return output

    def deploy(self, *words: str, app: str = SYNTHESISE) -> str:
        return self.cdk("deploy", "--all", "--require-approval", "never", "--app", app, *words)

    def destroy(self) -> str:
        return self.cdk("destroy", "--all", "--force", "--app", BUILT)

    def rewrite(self, file: str, pattern: str, replacement: str) -> None:
        path = self.folder / file
        text, times = re.subn(pattern, lambda _: replacement, path.read_text())
        assert times == 1, f"{pattern} is {times} times in {file}"
        path.write_text(text)

    def client(self, service: str) -> Any:
        make: Any = boto3.client
        return make(service, endpoint_url=self.endpoint_url)

    def output(self, name: str) -> str:
        stack = self.client("cloudformation").describe_stacks(StackName="Parcels")["Stacks"][0]
        outputs: dict[str, str] = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
        return outputs[name]

    def put(self, key: str) -> str:
        """Put a note, and give its version."""
        answer = self.client("s3").put_object(Bucket=self.output("BucketName"), Key=key, Body=b"a note")
        return str(answer["VersionId"])

    def row(self, key: str) -> Any:
        """The row that the machine keeps for a note, when it is there."""
        table = self.client("dynamodb")
        return table.get_item(TableName=self.output("TableName"), Key={"key": {"S": key}}).get("Item")
