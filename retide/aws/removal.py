"""Take away what a stage made at run time, when the stage itself goes: CloudFormation knows nothing of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from retide.aws.clients import Clients
from retide.aws.hosting import SageMakerHosting, absent
from retide.domain.contract import Profile
from retide.domain.environment import package_group_name
from retide.domain.hosting import alias, endpoint_of
from retide.domain.log_captures import GROUPS
from retide.domain.rollout import is_resource_of
from retide.ports import Kind

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ErrorTypeDef, ObjectIdentifierTypeDef
    from mypy_boto3_sagemaker import SageMakerClient


IN_PROGRESS: Final = frozenset({"Creating", "Updating", "SystemUpdating", "RollingBack"})
GONE: Final = "gone"
PATIENCE: Final = 200  # looks at an endpoint, twice so many in all: less than the function and CloudFormation wait
PAUSE: Final = 2.0


class Removal:
    """`pause` waits that many seconds between two looks at an endpoint that is being changed."""

    def __init__(self, clients: Clients, pause: Callable[[float], None] = time.sleep) -> None:
        self._clients = clients
        self._pause = pause

    def empty_bucket(self, bucket: str) -> None:
        """Delete every version of every object; a second call finds nothing and is content."""
        _empty(self._clients.s3, bucket)

    def remove_model(self, stage: str, model: str) -> None:
        """Delete a model's endpoint with its log, configs and models, and all packages of its group, which stays."""
        hosting = SageMakerHosting(self._clients.sagemaker)
        for profile in Profile:
            self._remove_endpoint(endpoint_of(stage, model, profile), hosting)
        _remove_packages(self._clients.sagemaker, package_group_name(stage, model))
        with suppress(self._clients.ssm.exceptions.ParameterNotFound):
            self._clients.ssm.delete_parameter(Name=alias(stage, model))

    def _remove_endpoint(self, name: str, hosting: SageMakerHosting) -> None:
        """With the endpoints for trials of it, and all that their configs named."""
        endpoints = (name, *hosting.names(Kind.ENDPOINT, name))
        for endpoint in endpoints:
            if self._until(endpoint, lambda status: status not in IN_PROGRESS) not in (GONE, "Deleting"):
                hosting.delete(Kind.ENDPOINT, endpoint)
        for kind in (Kind.CONFIG, Kind.MODEL):
            for made in hosting.names(kind, name):
                hosting.delete(kind, made)
        for endpoint in endpoints:
            self._until(endpoint, lambda status: status == GONE)
        _remove_logs(self._clients.logs, name)

    def _until(self, endpoint: str, settled: Callable[[str], bool]) -> str:
        """SageMaker deletes no endpoint that a rollout cut off is still changing, and one that goes still writes."""
        for _ in range(PATIENCE):
            status = _status(self._clients.sagemaker, endpoint)
            if settled(status):
                return status
            self._pause(PAUSE)
        waited = f"{PATIENCE * PAUSE:g} seconds"
        raise RuntimeError(f"endpoint {endpoint} is still {status} after {waited}; delete the stack again later")


def _empty(s3: S3Client, bucket: str) -> None:
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        found = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
        objects: list[ObjectIdentifierTypeDef] = [
            {"Key": item["Key"], "VersionId": item["VersionId"]} for item in found
        ]
        if objects:
            _check(s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True}).get("Errors", []))


def _status(sagemaker: SageMakerClient, name: str) -> str:
    try:
        return sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"]
    except ClientError as error:
        if not absent(error):
            raise
        return GONE


def _remove_packages(sagemaker: SageMakerClient, group: str) -> None:
    for page in sagemaker.get_paginator("list_model_packages").paginate(ModelPackageGroupName=group):
        for package in page["ModelPackageSummaryList"]:
            sagemaker.delete_model_package(ModelPackageName=package["ModelPackageArn"])


def _remove_logs(logs: CloudWatchLogsClient, endpoint: str) -> None:
    """Also those of trial endpoints, which went long ago."""
    for page in logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=f"{GROUPS}{endpoint}"):
        for group in page["logGroups"]:
            name = group["logGroupName"].removeprefix(GROUPS)
            if name == endpoint or is_resource_of(endpoint, name):
                with suppress(logs.exceptions.ResourceNotFoundException):
                    logs.delete_log_group(logGroupName=group["logGroupName"])


def _check(errors: Sequence[ErrorTypeDef]) -> None:
    if errors:
        first = errors[0]
        raise RuntimeError(f"{len(errors)} objects could not be deleted; {first.get('Key')}: {first.get('Message')}")
