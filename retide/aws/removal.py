"""Take away what a stage made at run time, when the stage itself goes: CloudFormation knows nothing of it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from retide.aws.clients import Clients, code, message
from retide.domain.environment import endpoint_name, package_group_name

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ErrorTypeDef, ObjectIdentifierTypeDef
    from mypy_boto3_sagemaker import SageMakerClient


PREFIX: Final = 47  # of a model's and a config's name: what `resource_name` keeps of the endpoint's


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
        sagemaker, name = self._clients.sagemaker, endpoint_name(stage, model)
        self._until(name, lambda status: status not in IN_PROGRESS)
        _remove(sagemaker, name, package_group_name(stage, model))
        self._until(name, lambda status: status == GONE)
        _remove_log(self._clients.logs, name)

    def _until(self, endpoint: str, settled: Callable[[str], bool]) -> None:
        """SageMaker deletes no endpoint that a rollout cut off is still changing, and one that goes still writes."""
        for _ in range(PATIENCE):
            status = _status(self._clients.sagemaker, endpoint)
            if settled(status):
                return
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
        if not _absent(error):
            raise
        return GONE


def _remove(sagemaker: SageMakerClient, name: str, group: str) -> None:
    if _status(sagemaker, name) not in (GONE, "Deleting"):
        _unless_absent(partial(sagemaker.delete_endpoint, EndpointName=name))
    for config in _named(sagemaker, "list_endpoint_configs", "EndpointConfigs", "EndpointConfigName", name):
        _unless_absent(partial(sagemaker.delete_endpoint_config, EndpointConfigName=config))
    for served in _named(sagemaker, "list_models", "Models", "ModelName", name):
        _unless_absent(partial(sagemaker.delete_model, ModelName=served))
    for page in sagemaker.get_paginator("list_model_packages").paginate(ModelPackageGroupName=group):
        for package in page["ModelPackageSummaryList"]:
            sagemaker.delete_model_package(ModelPackageName=package["ModelPackageArn"])


def _named(sagemaker: SageMakerClient, operation: str, items: str, key: str, name: str) -> Iterator[str]:
    """The names that start with a model's own, and not with that of a model whose name merely starts alike."""
    start = name[:PREFIX]
    own = re.compile(re.escape(start) + r"-v\d+-")
    pages = sagemaker.get_paginator(operation).paginate(NameContains=start)  # type: ignore[call-overload]
    found = [item[key] for page in pages for item in page[items]]
    return (seen for seen in found if own.match(seen))


def _remove_log(logs: CloudWatchLogsClient, endpoint: str) -> None:
    with suppress(logs.exceptions.ResourceNotFoundException):
        logs.delete_log_group(logGroupName=f"/aws/sagemaker/Endpoints/{endpoint}")


def _unless_absent(delete: Callable[[], object]) -> None:
    try:
        delete()
    except ClientError as error:
        if not _absent(error):
            raise


def _absent(error: ClientError) -> bool:
    return code(error) == "ValidationException" and "not find" in message(error)


def _check(errors: Sequence[ErrorTypeDef]) -> None:
    if errors:
        first = errors[0]
        raise RuntimeError(f"{len(errors)} objects could not be deleted; {first.get('Key')}: {first.get('Message')}")
