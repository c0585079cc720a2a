"""Model package groups: the names under which versions of a model are registered."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from retide.local.errors import invalid
from retide.local.interfaces import Json, Settings
from retide.local.sagemaker.listing import Row, page
from retide.local.sagemaker.store import Arns, Tags
from retide.local.table import Table


@dataclass(frozen=True, slots=True)
class Group:
    """Version numbers only grow, whatever is deleted."""

    name: str
    arn: str
    description: str | None
    created: datetime
    _versions: Iterator[int] = field(default_factory=lambda: itertools.count(1), compare=False)

    def next_version(self) -> int:
        return next(self._versions)


class ModelPackageGroups:
    """The operations on groups; deleting one is up to the packages."""

    def __init__(self, settings: Settings, tags: Tags) -> None:
        self._settings = settings
        self._tags = tags
        self._arns = Arns(settings)
        self._groups: Table[Group] = Table()

    def create(self, request: Json) -> Json:
        """CreateModelPackageGroup."""
        name = request["ModelPackageGroupName"]
        arn = self._arns.of("model-package-group", name)
        group = Group(name, arn, request.get("ModelPackageGroupDescription"), self._settings.clock.now())
        self._groups.add(name, group, invalid(f"Model Package Group already exists: {arn}"))
        self._tags.start(arn, request.get("Tags", ()))
        return {"ModelPackageGroupArn": arn}

    def describe(self, request: Json) -> Json:
        """DescribeModelPackageGroup."""
        group = self.find(request["ModelPackageGroupName"])
        return _summary(group) | {"CreatedBy": {}}

    def list(self, request: Json) -> Json:
        """ListModelPackageGroups."""
        rows = [Row(group.name, group.created, group.created, _summary(group)) for group in self._groups.all()]
        return page("ModelPackageGroupSummaryList", rows, request)

    def find(self, name: str) -> Group:
        """By name or ARN. Raises ValidationException when there is none."""
        arn = name if name.startswith("arn:") else self._arns.of("model-package-group", name)
        short = arn.rsplit("/", 1)[-1]
        missing = invalid(f"ModelPackageGroup {arn} does not exist.")
        group = self._groups.find(short, missing)
        if group.arn != arn:
            raise missing
        return group

    def remove(self, group: Group) -> None:
        self._groups.remove(group.name)
        self._tags.forget(group.arn)


def _summary(group: Group) -> Json:
    return {
        "ModelPackageGroupName": group.name,
        "ModelPackageGroupArn": group.arn,
        "ModelPackageGroupDescription": group.description,
        "CreationTime": group.created,
        "ModelPackageGroupStatus": "Completed",
    }
