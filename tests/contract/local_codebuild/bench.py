"""How these tests speak to CodeBuild: projects with sound defaults, tiny buildspecs, and waiting for builds."""

from __future__ import annotations

import io
import subprocess
import uuid
import zipfile
from pathlib import Path
from textwrap import dedent
from typing import Any, Final

import boto3
import psutil
from botocore.config import Config

from retide.local.cloud import Running
from retide.local.interfaces import Json
from retide.local.processes import MARK
from tests.patience import eventually

BUCKET: Final = "codebuild-tests"
ROLE: Final = "arn:aws:iam::000000000000:role/anyone"
ENVIRONMENT: Final = {
    "type": "LINUX_CONTAINER",
    "image": "aws/codebuild/standard:7.0",
    "computeType": "BUILD_GENERAL1_SMALL",
}
RUNNING: Final = "IN_PROGRESS"


def buildspec(build: str = "[]", **others: str) -> str:
    """A buildspec whose build phase has these commands; others are whole sections by their names."""
    sections = "".join(f"{name.replace('_', '-')}: {text}\n" for name, text in others.items())
    return f"version: 0.2\nphases:\n  build:\n    commands: {build}\n{sections}"


def written(text: str) -> str:
    """A buildspec written out in full."""
    return dedent(text).lstrip("\n")


def zipped(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def contents(archive: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return {name: opened.read(name).decode() for name in opened.namelist()}


def git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=Tester", "-c", "user.email=tester@example.com", "-c", "init.defaultBranch=main"]
    done = subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def phase(build: Json, name: str) -> Json:
    found: Json = next(phase for phase in build["phases"] if phase["phaseType"] == name)
    return found


def statuses(build: Json) -> dict[str, str]:
    return {phase["phaseType"]: phase["phaseStatus"] for phase in build["phases"] if "phaseStatus" in phase}


def failure(build: Json, name: str) -> tuple[str, str]:
    """Code and message of a phase's first context."""
    context = phase(build, name)["contexts"][0]
    return context["statusCode"], context["message"]


def carriers(build_id: str) -> list[psutil.Process]:
    """The living processes of a build."""
    return [process for process in psutil.process_iter() if _variable(process, "CODEBUILD_BUILD_ID") == build_id]


def marked(home: Path) -> list[psutil.Process]:
    return [process for process in psutil.process_iter() if _variable(process, MARK) == str(home)]


def _variable(process: psutil.Process, name: str) -> str | None:
    try:
        return process.environ().get(name) if process.status() != psutil.STATUS_ZOMBIE else None
    except (psutil.Error, OSError):
        return None


class Bench:
    """One running cloud and its clients."""

    def __init__(self, home: Path, running: Running) -> None:
        self.home = home
        self.running = running
        names = ("s3", "codebuild", "logs", "ssm", "secretsmanager", "events", "sqs", "cloudformation")
        clients = [self.client(name) for name in names]
        self.s3, self.codebuild, self.logs, self.ssm, self.secrets, self.events, self.sqs, self.stacks = clients

    def client(self, name: str) -> Any:
        client: Any = boto3.client  # its stubs have no overload for a name that varies
        reach = {"endpoint_url": self.running.endpoint_url, "region_name": self.running.region}
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        return client(name, **reach, **keys, config=Config(retries={"max_attempts": 1}))

    def put(self, key: str, body: bytes) -> str:
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=body)
        return f"{BUCKET}/{key}"

    def get(self, key: str) -> bytes:
        body: bytes = self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        return body

    def project(self, spec: str, **members: Any) -> str:
        """A new project without a source, or with the members given."""
        name: str = members.pop("name", f"project-{uuid.uuid4().hex[:8]}")
        source = members.pop("source", {"type": "NO_SOURCE"}) | {"buildspec": spec}
        environment = ENVIRONMENT | {"environmentVariables": members.pop("variables", [])}
        artifacts = members.pop("artifacts", {"type": "NO_ARTIFACTS"})
        self.codebuild.create_project(
            name=name, source=source, artifacts=artifacts, environment=environment, serviceRole=ROLE, **members
        )
        return name

    def start(self, project: str, **overrides: Any) -> str:
        build: str = self.codebuild.start_build(projectName=project, **overrides)["build"]["id"]
        return build

    def build(self, spec: str, **members: Any) -> Json:
        """Run a build of a new project to its end and describe it."""
        return self.ended(self.start(self.project(spec, **members)))

    def describe(self, build: str) -> Json:
        described: Json = self.codebuild.batch_get_builds(ids=[build])["builds"][0]
        return described

    def ended(self, build: str) -> Json:
        def look() -> Json | None:
            described = self.describe(build)
            return described if described["buildStatus"] != RUNNING else None

        return eventually(look, f"the build {build} ends")

    def until_in(self, build: str, name: str) -> None:
        eventually(lambda: self.describe(build)["currentPhase"] == name, f"{build} comes to {name}")

    def until_said(self, build: str, words: str) -> None:
        eventually(lambda: words in self.log(build), f"{build} says {words}")

    def log(self, build: str) -> str:
        """What CloudWatch Logs has of a build."""
        logs = self.describe(build)["logs"]
        try:
            events = self.logs.get_log_events(logGroupName=logs["groupName"], logStreamName=logs["streamName"])
        except self.logs.exceptions.ResourceNotFoundException:
            return ""
        return "\n".join(event["message"] for event in events["events"])

    def said(self, build: Json) -> list[str]:
        """The log without CodeBuild's own remarks."""
        return [line for line in self.log(build["id"]).splitlines() if not line.startswith("[Container]")]
