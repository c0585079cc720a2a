"""What rollouts leave on SageMaker: models, endpoint configs and trial endpoints; listed, and taken away."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from retide.aws.clients import code, message
from retide.domain.rollout import is_resource_of, resource_prefix
from retide.ports import Kind

if TYPE_CHECKING:
    from mypy_boto3_sagemaker.client import SageMakerClient

LISTS: Final = {
    Kind.ENDPOINT: ("list_endpoints", "Endpoints", "EndpointName"),
    Kind.CONFIG: ("list_endpoint_configs", "EndpointConfigs", "EndpointConfigName"),
    Kind.MODEL: ("list_models", "Models", "ModelName"),
}


class SageMakerHosting:
    def __init__(self, client: SageMakerClient) -> None:
        self._client = client

    def names(self, kind: Kind, endpoint: str) -> tuple[str, ...]:
        operation, items, name = LISTS[kind]
        start = resource_prefix(endpoint).removesuffix("-v")
        pages = self._client.get_paginator(operation).paginate(NameContains=start)  # type: ignore[call-overload]
        found = (item[name] for page in pages for item in page[items])
        return tuple(seen for seen in found if is_resource_of(endpoint, seen))

    def models_of(self, config: str) -> tuple[str, ...]:
        try:
            answer = self._client.describe_endpoint_config(EndpointConfigName=config)
        except ClientError as error:
            if not absent(error):
                raise
            return ()
        variants = (*answer["ProductionVariants"], *answer.get("ShadowProductionVariants", ()))
        return tuple(variant["ModelName"] for variant in variants if "ModelName" in variant)

    def delete(self, kind: Kind, name: str) -> bool:
        try:
            self._delete(kind, name)
        except ClientError as error:
            if not absent(error) and not in_progress(error):
                raise
            return absent(error)
        return True

    def _delete(self, kind: Kind, name: str) -> None:
        delete: dict[Kind, Callable[[], object]] = {
            Kind.ENDPOINT: lambda: self._client.delete_endpoint(EndpointName=name),
            Kind.CONFIG: lambda: self._client.delete_endpoint_config(EndpointConfigName=name),
            Kind.MODEL: lambda: self._client.delete_model(ModelName=name),
        }
        delete[kind]()


def absent(error: ClientError) -> bool:
    return code(error) == "ValidationException" and "not find" in message(error)


def in_progress(error: ClientError) -> bool:
    """SageMaker deletes no endpoint that is being made, changed or deleted."""
    return code(error) == "ValidationException" and "in-progress" in message(error)
