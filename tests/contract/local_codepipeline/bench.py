"""CodePipeline in this process, where the test does by hand what takes time: effects, builds and the clock."""

from __future__ import annotations

import subprocess
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from retide.local.clock import Clock
from retide.local.codebuild import seam
from retide.local.codeconnections import CodeConnections
from retide.local.codepipeline import CodePipeline, Neighbours
from retide.local.codepipeline.executions import Effect
from retide.local.errors import ApiError
from retide.local.git import GitHost
from retide.local.interfaces import Json, Settings
from tests.contract.bus import Bus

ROLE = "arn:aws:iam::000000000000:role/pipeline"
REPOSITORY = "team/model"
PIPELINE = "delivery"


class Builds:
    """CodeBuild, where the test says how each build ends; it knows every project but `absent`."""

    def __init__(self) -> None:
        self.orders: dict[str, seam.Order] = {}
        self._waiting: dict[str, Callable[[seam.BuildState], object]] = {}

    def start(self, order: seam.Order) -> str:
        if order.project == "absent":
            raise ApiError("ResourceNotFoundException", f"Project cannot be found: {order.project}")
        build_id = f"{order.project}:{len(self.orders) + 1}"
        self.orders[build_id] = order
        return build_id

    def when_ended(self, build_id: str, callback: Callable[[seam.BuildState], object]) -> None:
        self._waiting[build_id] = callback

    def running(self) -> list[str]:
        """The ids of builds that have not ended, oldest first."""
        return list(self._waiting)

    def end(self, build_id: str, status: str = "SUCCEEDED", message: str = "", **exported: str) -> None:
        callback = self._waiting.pop(build_id)
        callback(seam.BuildState(build_id, f"arn:{build_id}", status, "COMPLETED", message, exported=exported))

    def state(self, build_id: str) -> seam.BuildState:
        raise AssertionError(f"nobody asks for the state of {build_id} here")

    def wait(self, build_id: str, seconds: float | None = None) -> seam.BuildState:
        raise AssertionError(f"nobody waits for {build_id} here")

    def stop(self, build_id: str) -> None:
        raise AssertionError(f"CodePipeline leaves {build_id} to itself")


class Bucket:
    """S3, in which only objects are put."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, ContentType: str) -> None:  # noqa: N803 - boto3's names
        assert Bucket == "artifacts"
        assert ContentType == "application/zip"
        self.objects[Key] = Body


class Topic:
    def __init__(self) -> None:
        self.notices: list[Json] = []

    def publish(self, **notice: Any) -> None:
        self.notices.append(notice)


class Alarms:
    """CloudWatch with the alarms that a test sets."""

    def __init__(self) -> None:
        self.states: dict[str, str] = {}

    def describe_alarms(self, *, AlarmNames: list[str], AlarmTypes: list[str]) -> Json:  # noqa: N803 - boto3's names
        assert "MetricAlarm" in AlarmTypes
        return {"MetricAlarms": [{"StateValue": self.states[name]} for name in AlarmNames if name in self.states]}


class Bench:
    """One account with a repository, an available connection, and whatever pipelines a test makes."""

    def __init__(self, home: Path) -> None:
        self.clock = Clock(1_800_000_000)
        self.clock.hold()
        settings = Settings(home, "http://127.0.0.1:1", {}, self.clock)
        self.bus, self.builds, self.s3, self.topic, self.alarms = Bus(), Builds(), Bucket(), Topic(), Alarms()
        self.effects: deque[Effect] = deque()
        self.git = GitHost(settings)
        self.connections = CodeConnections(settings).connections
        made = self.connections.create({"ConnectionName": "git", "ProviderType": "GitHub"}, "codeconnections")
        self.connection: str = made["ConnectionArn"]
        self.connections.complete(self.connection)
        neighbours = Neighbours(self.git, self.connections, self.builds, self.s3, self.topic, self.alarms)
        self.service = CodePipeline(settings, self.bus, neighbours, self.effects.append)
        self.repository = self.git.repositories.create(REPOSITORY)
        self.checkout = Checkout(home / "checkout", self.repository.path)

    def close(self) -> None:
        self.service.close()
        self.clock.close()

    def call(self, operation: str, **request: Any) -> Json:
        return self.service.api.call(operation, request)

    def settle(self) -> None:
        """Do everything that waits to be done, until only builds, people and the clock are left."""
        while self.effects:
            self.effects.popleft()()

    def pass_time(self, seconds: float) -> None:
        """Move the clock, wait until its thread has fired all that is due, and do what that sets off."""
        self.clock.advance(seconds)
        fired = threading.Event()
        self.clock.call_later(0, fired.set)
        assert fired.wait(10)
        self.settle()

    def create(self, *stages: Json, **members: Any) -> str:
        """A pipeline with a source stage before these; gives the id of its first execution."""
        self.call("CreatePipeline", pipeline=self.declared(*stages, **members))
        return self.newest()

    def declared(self, *stages: Json, **members: Any) -> Json:
        source = {
            "ConnectionArn": self.connection,
            "FullRepositoryId": REPOSITORY,
            "BranchName": "main",
            "DetectChanges": "true",
        }
        declared: Json = {
            "name": PIPELINE,
            "roleArn": ROLE,
            "artifactStore": {"type": "S3", "location": "artifacts"},
            "pipelineType": "V2",
            "executionMode": "QUEUED",
            "stages": [stage("Source", source_action(**source)), *(stages or (stage("Build", build()),))],
        }
        return declared | members

    def push(self, *files: str, branch: str = "main") -> str:
        """Commit these files and tell of the push, as the hook does; gives the commit."""
        before = self.repository.head(branch) or "0" * 40
        commit = self.checkout.commit(*files)
        self.checkout.push(branch)
        self.answer = self.tell(f"refs/heads/{branch}", before, commit)
        return commit

    def tell(self, ref: str, before: str, after: str) -> str:
        route = self.git.routes["/_retide/pushes"]
        body = f'{{"repository": "{REPOSITORY}", "ref": "{ref}", "before": "{before}", "after": "{after}"}}'
        status, answer = route("POST", "", body.encode())
        assert status == 200
        message: str = answer["message"]
        return message

    def newest(self) -> str:
        newest: str = self.executions()[0]["pipelineExecutionId"]
        return newest

    def executions(self) -> list[Json]:
        listed: list[Json] = self.call("ListPipelineExecutions", pipelineName=PIPELINE)["pipelineExecutionSummaries"]
        return listed

    def statuses(self) -> list[str]:
        """Of all executions, oldest first."""
        return [str(one["status"]) for one in reversed(self.executions())]

    def execution(self, execution_id: str) -> Json:
        answer = self.call("GetPipelineExecution", pipelineName=PIPELINE, pipelineExecutionId=execution_id)
        described: Json = answer["pipelineExecution"]
        return described

    def status(self, execution_id: str) -> str:
        return str(self.execution(execution_id)["status"])

    def stages(self) -> dict[str, Json]:
        """GetPipelineState by stage."""
        states = self.call("GetPipelineState", name=PIPELINE)["stageStates"]
        return {state["stageName"]: state for state in states}

    def actions(self, execution_id: str) -> dict[str, Json]:
        """The newest attempt at each action of an execution."""
        chosen = {"pipelineExecutionId": execution_id}
        listed = self.call("ListActionExecutions", pipelineName=PIPELINE, filter=chosen)["actionExecutionDetails"]
        return {one["actionName"]: one for one in reversed(listed)}

    def end_build(self, status: str = "SUCCEEDED", message: str = "", **exported: str) -> None:
        """End the oldest build that runs, and see what follows."""
        self.builds.end(self.builds.running()[0], status, message, **exported)
        self.settle()

    def approve(self, status: str = "Approved", stage: str = "Approval", action: str = "Approve") -> None:
        actions = {state["actionName"]: state for state in self.stages()[stage]["actionStates"]}
        self.call(
            "PutApprovalResult",
            pipelineName=PIPELINE,
            stageName=stage,
            actionName=action,
            token=actions[action]["latestExecution"]["token"],
            result={"status": status, "summary": "I have looked"},
        )
        self.settle()


class Checkout:
    """A person's clone of the repository."""

    def __init__(self, folder: Path, remote: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("remote", "add", "origin", str(remote))

    def git(self, *words: str) -> str:
        identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "core.hooksPath=/dev/null")
        done = subprocess.run(["git", *identity, *words], cwd=self.folder, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def commit(self, *files: str, message: str = "Change things") -> str:
        """Commit all changes, and one more line in each of these files."""
        for name in files:
            path = self.folder / name
            self.write(name, f"{path.read_text() if path.exists() else ''}more\n")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def push(self, branch: str = "main", *options: str) -> None:
        """The hook would ask a cloud that does not run here; what it says is nobody's business."""
        self.git("push", "--quiet", *options, "origin", f"HEAD:refs/heads/{branch}")


def stage(name: str, *actions: Json, **members: Any) -> Json:
    return {"name": name, "actions": list(actions), **members}


def source_action(name: str = "Source", output: str = "Code", **configuration: str) -> Json:
    return {
        "name": name,
        "actionTypeId": kind("Source", "CodeStarSourceConnection"),
        "configuration": configuration,
        "outputArtifacts": [{"name": output}],
        "namespace": name,
    }


def build(name: str = "Build", project: str = "", category: str = "Build", **members: Any) -> Json:
    action: Json = {
        "name": name,
        "actionTypeId": kind(category, "CodeBuild"),
        "configuration": {"ProjectName": project or name.lower()},
        "inputArtifacts": [{"name": "Code"}],
    }
    return action | members


def approval(name: str = "Approve", **members: Any) -> Json:
    return {"name": name, "actionTypeId": kind("Approval", "Manual"), **members}


def kind(category: str, provider: str) -> Json:
    return {"category": category, "owner": "AWS", "provider": provider, "version": "1"}


def condition(result: str, provider: str, **configuration: str) -> Json:
    rule = {
        "name": "Rule",
        "ruleTypeId": {"category": "Rule", "owner": "AWS", "provider": provider, "version": "1"},
        "configuration": configuration,
    }
    return {"conditions": [{"result": result, "rules": [rule]}]}
