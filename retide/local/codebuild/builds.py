"""The operations on builds, for the API and for pipelines alike."""

from __future__ import annotations

import itertools
import threading
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from retide.local.codebuild.build import Build, Cause
from retide.local.codebuild.describing import describe
from retide.local.codebuild.errors import invalid_input, limit_exceeded, missing
from retide.local.codebuild.paging import page
from retide.local.codebuild.plan import Plan
from retide.local.codebuild.plans import plan_of_order, plan_of_request
from retide.local.codebuild.projects import Projects
from retide.local.codebuild.runner import Runner
from retide.local.codebuild.seam import RUNNING, BuildState, Order
from retide.local.interfaces import Json, Settings

TOKEN_SECONDS: Final = 300.0
CLOSE_SECONDS: Final = 2.0
INITIATOR: Final = "local-cloud"


@dataclass(frozen=True, slots=True)
class Remembered:
    """A request with an idempotency token."""

    request: Json
    build: Build
    until: float


class LocalBuilds:
    """Every build of this cloud's life. Thread-safe."""

    def __init__(self, settings: Settings, projects: Projects, runner: Runner) -> None:
        self._settings = settings
        self._projects = projects
        self._runner = runner
        self._lock = threading.Lock()
        self._builds: dict[str, Build] = {}
        self._numbers: dict[str, Iterator[int]] = defaultdict(lambda: itertools.count(1))
        self._tokens: dict[str, Remembered] = {}

    def start(self, order: Order) -> str:
        """As the pipelines' seam has it."""
        return self._begin(plan_of_order(self._projects.find(order.project), order)).id

    def state(self, build_id: str) -> BuildState:
        return self._find(build_id).state()

    def wait(self, build_id: str, seconds: float | None = None) -> BuildState:
        """Block until the build has ended, or for so many real seconds."""
        build = self._find(build_id)
        with suppress(FutureTimeout):
            return build.done.result(seconds)
        return build.state()

    def when_ended(self, build_id: str, callback: Callable[[BuildState], object]) -> None:
        def tell(done: Future[BuildState]) -> None:
            callback(done.result())

        self._find(build_id).done.add_done_callback(tell)

    def stop(self, build_id: str) -> None:
        self._find(build_id).interruption.request(Cause.STOPPED)

    def start_build(self, request: Json) -> Json:
        """StartBuild."""
        if (known := self._remembered(request)) is not None:
            return {"build": describe(known)}
        plan = plan_of_request(self._projects.find(request["projectName"]), request, INITIATOR)
        build = self._begin(plan)
        self._remember(request, build)
        return {"build": describe(build)}

    def retry_build(self, request: Json) -> Json:
        """RetryBuild: the same plan once more, as a new build."""
        if "id" not in request:
            raise invalid_input("RetryBuild needs an id")
        build = self._find(request["id"])
        if build.plan.initiator != INITIATOR:
            raise invalid_input(f"{build.id} was started by {build.plan.initiator}: retry it there")
        if build.status == RUNNING:
            raise invalid_input(f"{build.id} still runs: only a build that has ended can be retried")
        return {"build": describe(self._begin(build.plan))}

    def stop_build(self, request: Json) -> Json:
        """StopBuild; a build that has ended is left as it is."""
        self.stop(request["id"])
        return {"build": describe(self._find(request["id"]))}

    def batch_get(self, request: Json) -> Json:
        """BatchGetBuilds."""
        found = {name: self._get(name) for name in request["ids"]}
        return {
            "builds": [describe(build) for build in found.values() if build is not None],
            "buildsNotFound": [name for name, build in found.items() if build is None],
        }

    def batch_delete(self, request: Json) -> Json:
        """BatchDeleteBuilds: only builds that have ended are forgotten."""
        ended = {name: build for name in request["ids"] if (build := self._get(name)) and build.status != RUNNING}
        with self._lock:
            for build in ended.values():
                self._builds.pop(build.id, None)
        left = [{"id": name, "statusCode": self._why_kept(name)} for name in request["ids"] if name not in ended]
        return {"buildsDeleted": [build.arn for build in ended.values()], "buildsNotDeleted": left}

    def list_all(self, request: Json) -> Json:
        """ListBuilds."""
        return self._listed(request, self._all())

    def list_for_project(self, request: Json) -> Json:
        """ListBuildsForProject."""
        name = self._projects.find(request["projectName"])["name"]
        return self._listed(request, [build for build in self._all() if build.plan.project == name])

    def close(self) -> None:
        """End every build at once, and wait a moment for that."""
        running = [build for build in self._all() if build.status == RUNNING]
        for build in running:
            build.interruption.request(Cause.CLOSED)
        for build in running:
            with suppress(FutureTimeout):
                build.done.result(CLOSE_SECONDS)

    def _begin(self, plan: Plan) -> Build:
        with self._lock:
            self._check_limit(plan.project)
            name = f"{plan.project}:{uuid.uuid4()}"
            arn = f"arn:aws:codebuild:{self._settings.region}:{self._settings.account}:build/{name}"
            build = Build(name, arn, next(self._numbers[plan.project]), plan, self._settings.clock.now())
            self._builds[name] = build
            self._runner.submit(build)
        threading.Thread(target=self._runner.run, args=(build,), name=f"build-{name}", daemon=True).start()
        return build

    def _check_limit(self, project: str) -> None:
        limit = self._projects.find(project).get("concurrentBuildLimit")
        active = [one for one in self._builds.values() if one.plan.project == project and one.status == RUNNING]
        if limit is not None and len(active) >= limit:
            raise limit_exceeded(f"Cannot have more than {limit} active builds for the project {project}")

    def _remembered(self, request: Json) -> Build | None:
        with self._lock:
            known = self._tokens.get(request.get("idempotencyToken", ""))
        if known is None or known.until < self._settings.clock.seconds():
            return None
        if known.request != request:
            raise invalid_input("The idempotencyToken was used with other parameters in the last five minutes")
        return known.build

    def _remember(self, request: Json, build: Build) -> None:
        if token := request.get("idempotencyToken"):
            with self._lock:
                self._tokens[token] = Remembered(request, build, self._settings.clock.seconds() + TOKEN_SECONDS)

    def _listed(self, request: Json, builds: list[Build]) -> Json:
        ids = [build.id for build in builds]
        return page("ids", ids if request.get("sortOrder") == "ASCENDING" else ids[::-1], request)

    def _why_kept(self, name: str) -> str:
        return "BUILD_NOT_FOUND" if self._get(name) is None else "BUILD_IN_PROGRESS"

    def _all(self) -> list[Build]:
        with self._lock:
            return [*self._builds.values()]

    def _get(self, name: str) -> Build | None:
        with self._lock:
            return self._builds.get(name.rpartition("build/")[2])

    def _find(self, name: str) -> Build:
        """By id or ARN. Raises ResourceNotFoundException."""
        build = self._get(name)
        if build is None:
            raise missing(f"Build not found: {name}")
        return build
