"""Build projects: what a build would do, on paper only."""

from __future__ import annotations

import threading
from typing import Final

from retide.local.codebuild.caches import Caches
from retide.local.codebuild.errors import invalid_input, missing, taken
from retide.local.codebuild.paging import page
from retide.local.codebuild.plans import check_project
from retide.local.interfaces import Json, Settings

DEFAULTS: Final[Json] = {"timeoutInMinutes": 60, "queuedTimeoutInMinutes": 480, "cache": {"type": "NO_CACHE"}}
SORTED_BY: Final = {"NAME": "name", "CREATED_TIME": "created", "LAST_MODIFIED_TIME": "lastModified"}
ENVIRONMENT: Final[Json] = {
    "environmentVariables": [],
    "privilegedMode": False,
    "imagePullCredentialsType": "CODEBUILD",
}


class Projects:
    """Thread-safe."""

    def __init__(self, settings: Settings, caches: Caches) -> None:
        self._settings = settings
        self._caches = caches
        self._lock = threading.Lock()
        self._projects: dict[str, Json] = {}

    def create(self, request: Json) -> Json:
        """CreateProject."""
        arn = self._arn(request["name"])
        project = self._completed(request, {"created": self._settings.clock.now()})
        with self._lock:
            if request["name"] in self._projects:
                raise taken(f"Project already exists: {arn}")
            self._projects[request["name"]] = project
        return {"project": project}

    def update(self, request: Json) -> Json:
        """UpdateProject: what is not given stays as it is."""
        old = self.find(request["name"])
        return self._write({**_without_dates(old), **request}, old)

    def replace(self, request: Json) -> Json:
        """What CloudFormation does on an update: what is not given goes back to its default."""
        return self._write(request, self.find(request["name"]))

    def delete(self, request: Json) -> Json:
        """DeleteProject: also one that is not there is deleted."""
        with self._lock:
            self._projects.pop(self._name(request["name"]), None)
        self._caches.forget(self._name(request["name"]))
        return {}

    def batch_get(self, request: Json) -> Json:
        """BatchGetProjects."""
        with self._lock:
            found = {name: self._projects.get(self._name(name)) for name in request["names"]}
        return {
            "projects": [project for project in found.values() if project is not None],
            "projectsNotFound": [name for name, project in found.items() if project is None],
        }

    def list(self, request: Json) -> Json:
        """ListProjects, by name unless something else is asked for."""
        with self._lock:
            projects = list(self._projects.values())
        member = SORTED_BY[request.get("sortBy", "NAME")]
        backwards = request.get("sortOrder") == "DESCENDING"
        names = [project["name"] for project in sorted(projects, key=lambda one: one[member], reverse=backwards)]
        return page("projects", names, request)

    def forget_cache(self, request: Json) -> Json:
        """InvalidateProjectCache."""
        name = self.find(request["projectName"])["name"]
        if not self._caches.forget(name):
            raise invalid_input(f"A build of {name} uses the cache: wait for its end, or stop it")
        return {}

    def find(self, name: str) -> Json:
        """By name or ARN. Raises ResourceNotFoundException."""
        with self._lock:
            project = self._projects.get(self._name(name))
        if project is None:
            raise missing(f"Project cannot be found: {self._arn(self._name(name))}")
        return project

    def _write(self, request: Json, old: Json) -> Json:
        project = self._completed(request, {"created": old["created"]})
        with self._lock:
            self._projects[project["name"]] = project
        return {"project": project}

    def _completed(self, request: Json, dates: Json) -> Json:
        key = f"arn:aws:kms:{self._settings.region}:{self._settings.account}:alias/aws/s3"
        project = {
            **DEFAULTS,
            "encryptionKey": key,
            **request,
            "environment": ENVIRONMENT | request["environment"],
            "arn": self._arn(request["name"]),
            **dates,
            "lastModified": self._settings.clock.now(),
        }
        check_project(project)
        return project

    def _arn(self, name: str) -> str:
        return f"arn:aws:codebuild:{self._settings.region}:{self._settings.account}:project/{name}"

    def _name(self, name: str) -> str:
        return name.removeprefix(self._arn(""))


def _without_dates(project: Json) -> Json:
    return {member: value for member, value in project.items() if member not in ("created", "lastModified", "arn")}
