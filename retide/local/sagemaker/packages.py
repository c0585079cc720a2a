"""The model registry: groups, versions, approval, and an event for every change."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from retide.local.errors import invalid
from retide.local.interfaces import Json, Settings
from retide.local.sagemaker.errors import conflict
from retide.local.sagemaker.events import Events
from retide.local.sagemaker.groups import Group, ModelPackageGroups
from retide.local.sagemaker.listing import Row, page
from retide.local.sagemaker.store import Arns, Tags
from retide.local.table import Table

MAX_METADATA: Final = 50
CARD_CHARACTERS: Final = 100_000
KEPT: Final = (
    "ModelPackageDescription", "ModelPackageRegistrationType", "InferenceSpecification", "ModelApprovalStatus",
    "MetadataProperties", "ModelMetrics", "Domain", "Task", "SamplePayloadUrl", "CustomerMetadataProperties",
    "DriftCheckBaselines", "AdditionalInferenceSpecifications", "SkipModelValidation", "SourceUri", "ModelCard",
    "ModelLifeCycle",
)  # fmt: skip
REPLACED: Final = (
    "ModelApprovalStatus", "ApprovalDescription", "InferenceSpecification", "SourceUri", "ModelCard", "ModelLifeCycle",
)  # fmt: skip


@dataclass(slots=True)
class Package:
    """One version of a model; `content` holds the members that Describe repeats. Changed under the lock only."""

    arn: str
    group: str
    version: int
    created: datetime
    modified: datetime | None = None
    content: Json = field(default_factory=dict)


class ModelPackages:
    """The operations on versioned model packages."""

    def __init__(self, settings: Settings, groups: ModelPackageGroups, events: Events, tags: Tags) -> None:
        self._settings = settings
        self._groups = groups
        self._events = events
        self._tags = tags
        self._arns = Arns(settings)
        self._lock = threading.RLock()
        self._packages: Table[Package] = Table()
        self._tokens: dict[str, tuple[Json, str]] = {}

    def create(self, request: Json) -> Json:
        """CreateModelPackage: the next version of its group. The same ClientToken gives the same version."""
        if "ModelPackageGroupName" not in request:
            raise invalid("CreateModelPackage needs ModelPackageGroupName")
        _check_card(request)
        group = self._groups.find(request["ModelPackageGroupName"])
        with self._lock:
            arn = self._made_before(request) or self._add(group, request)
        return {"ModelPackageArn": arn}

    def describe(self, request: Json) -> Json:
        """DescribeModelPackage."""
        return self._description(self.find(request["ModelPackageName"]))

    def update(self, request: Json) -> Json:
        """UpdateModelPackage: what is not named stays as it is."""
        _check_card(request)
        with self._lock:
            package = self.find(request["ModelPackageArn"])
            package.content.update(_merged(package.content, request))
            package.modified = self._settings.clock.now()
            updated = sorted(set(request) - {"ModelPackageArn", "ClientToken"})
            self._events.model_package(self._description(package), updated)
        return {"ModelPackageArn": package.arn}

    def delete(self, request: Json) -> Json:
        """DeleteModelPackage."""
        package = self.find(request["ModelPackageName"])
        self._packages.remove(package.arn)
        self._tags.forget(package.arn)
        return {}

    def list(self, request: Json) -> Json:
        """ListModelPackages. Without a group AWS lists unversioned packages unless told otherwise: there are none."""
        group = request.get("ModelPackageGroupName")
        versioned = group is not None or request.get("ModelPackageType", "Unversioned") != "Unversioned"
        name = self._groups.find(group).name if group is not None else None
        status = request.get("ModelApprovalStatus")
        found = [
            package
            for package in (self._packages.all() if versioned else ())
            if name in (None, package.group) and status in (None, package.content["ModelApprovalStatus"])
        ]
        return page("ModelPackageSummaryList", map(_row, found), request)

    def delete_group(self, request: Json) -> Json:
        """DeleteModelPackageGroup, which AWS refuses while the group holds versions."""
        group = self._groups.find(request["ModelPackageGroupName"])
        with self._lock:
            held = [package.version for package in self._packages.all() if package.group == group.name]
            if held:
                raise conflict(f"Model Package Group {group.arn} cannot be deleted: it contains {len(held)} versions")
            self._groups.remove(group)
        return {}

    def find(self, name: str) -> Package:
        """By ARN. Raises ValidationException when there is none."""
        return self._packages.find(name, invalid(f"ModelPackage {name} does not exist."))

    def approved_container(self, name: str) -> Json:
        """The container of a package that may be deployed. Raises ValidationException."""
        package = self.find(name)
        if package.content["ModelApprovalStatus"] != "Approved":
            raise invalid(f"ModelPackage {package.arn} is {package.content['ModelApprovalStatus']}, not Approved")
        if "InferenceSpecification" not in package.content:
            raise invalid(f"ModelPackage {package.arn} has no InferenceSpecification: it cannot be deployed")
        container: Json = package.content["InferenceSpecification"]["Containers"][0]
        return {key: container[key] for key in ("Image", "ModelDataUrl", "Environment") if key in container}

    def _made_before(self, request: Json) -> str | None:
        earlier, arn = self._tokens.get(request.get("ClientToken", ""), (None, None))
        if arn is not None and earlier != request:
            raise conflict(f"The ClientToken {request['ClientToken']} was used with another request")
        return arn

    def _add(self, group: Group, request: Json) -> str:
        version = group.next_version()
        arn = self._arns.of("model-package", f"{group.name}/{version}")
        content = {"ModelApprovalStatus": "PendingManualApproval"}
        content |= {key: request[key] for key in KEPT if key in request}
        package = Package(arn, group.name, version, self._settings.clock.now(), content=content)
        self._packages.add(arn, package, conflict(f"ModelPackage {arn} exists already"))
        self._tags.start(arn, request.get("Tags", ()))
        if "ClientToken" in request:
            self._tokens[request["ClientToken"]] = (request, arn)
        self._events.model_package(self._description(package), [])
        return arn

    def _description(self, package: Package) -> Json:
        with self._lock:
            return {
                "ModelPackageGroupName": package.group,
                "ModelPackageVersion": package.version,
                "ModelPackageArn": package.arn,
                "CreationTime": package.created,
                "LastModifiedTime": package.modified,
                "ModelPackageStatus": "Completed",
                "ModelPackageStatusDetails": {"ValidationStatuses": []},
                "CertifyForMarketplace": False,
                **package.content,
            }


def _merged(content: Json, request: Json) -> Json:
    """The members that an update changes, with their new values."""
    changes: Json = {key: request[key] for key in REPLACED if key in request}
    if "ModelCard" in request:
        changes["ModelCard"] = content.get("ModelCard", {}) | request["ModelCard"]
    metadata = content.get("CustomerMetadataProperties", {}) | request.get("CustomerMetadataProperties", {})
    removed = set(request.get("CustomerMetadataPropertiesToRemove", ()))
    metadata = {key: value for key, value in metadata.items() if key not in removed}
    if len(metadata) > MAX_METADATA:
        raise invalid(f"CustomerMetadataProperties would have {len(metadata)} entries: at most {MAX_METADATA}")
    if metadata or "CustomerMetadataProperties" in content:
        changes["CustomerMetadataProperties"] = metadata
    if added := request.get("AdditionalInferenceSpecificationsToAdd"):
        changes["AdditionalInferenceSpecifications"] = [*content.get("AdditionalInferenceSpecifications", ()), *added]
    return changes


def _check_card(request: Json) -> None:
    text = request.get("ModelCard", {}).get("ModelCardContent", "")
    if len(text) > CARD_CHARACTERS:
        raise invalid(f"ModelCardContent has {len(text)} characters: at most {CARD_CHARACTERS} are allowed")


def _row(package: Package) -> Row:
    summary = {
        "ModelPackageGroupName": package.group,
        "ModelPackageVersion": package.version,
        "ModelPackageArn": package.arn,
        "ModelPackageDescription": package.content.get("ModelPackageDescription"),
        "CreationTime": package.created,
        "ModelPackageStatus": "Completed",
        "ModelApprovalStatus": package.content["ModelApprovalStatus"],
        "ModelLifeCycle": package.content.get("ModelLifeCycle"),
    }
    return Row(package.arn, package.created, package.modified or package.created, summary)
