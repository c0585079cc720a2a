"""Models and endpoint configurations: what an endpoint would run, on paper only."""

from __future__ import annotations

from typing import Final

from retide.local.errors import invalid, refuse_repeated
from retide.local.interfaces import Json, Settings
from retide.local.sagemaker.buckets import Buckets, TransferFailed
from retide.local.sagemaker.container import interpreter
from retide.local.sagemaker.errors import not_supported
from retide.local.sagemaker.named import Named, NamedOperations
from retide.local.sagemaker.packages import ModelPackages
from retide.local.sagemaker.store import Tags

SERVING_MODULE: Final = "SAGEMAKER_SERVING_MODULE"


class Models(NamedOperations):
    """The operations on models."""

    noun = "Model"
    arn_type = "model"
    words = "model"

    def __init__(self, settings: Settings, buckets: Buckets, packages: ModelPackages, tags: Tags) -> None:
        super().__init__(settings, tags)
        self._buckets = buckets
        self._packages = packages

    def accepted(self, request: Json) -> Json:
        """With the container of its model package, when it is given as one."""
        if "PrimaryContainer" not in request or "ExecutionRoleArn" not in request:
            raise invalid("CreateModel needs PrimaryContainer and ExecutionRoleArn")
        container = self._resolved(request["PrimaryContainer"])
        self._check(container)
        return request | {"PrimaryContainer": container}

    def _resolved(self, container: Json) -> Json:
        """A container given as an approved model package becomes that package's container."""
        if "ModelPackageName" not in container:
            return container
        inside = self._packages.approved_container(container["ModelPackageName"])
        variables = inside.get("Environment", {}) | container.get("Environment", {})
        return inside | container | {"Environment": variables}

    def _check(self, container: Json) -> None:
        if "Image" not in container:
            raise invalid("PrimaryContainer must have Image or ModelPackageName")
        interpreter(self._settings, container["Image"])
        if SERVING_MODULE not in container.get("Environment", {}):
            raise not_supported(f"A model without {SERVING_MODULE} in the Environment of its container")
        if "ModelDataUrl" in container:
            self._check_data(container["ModelDataUrl"])

    def _check_data(self, uri: str) -> None:
        try:
            found = self._buckets.exists(uri)
        except TransferFailed as problem:
            raise invalid(f"Could not access model data at {uri}: {problem}") from problem
        if not found:
            raise invalid(f"Could not find model data at {uri}.")


class EndpointConfigs(NamedOperations):
    """The operations on endpoint configurations."""

    noun = "EndpointConfig"
    arn_type = "endpoint-config"
    words = "endpoint configuration"

    def __init__(self, settings: Settings, models: Models, tags: Tags) -> None:
        super().__init__(settings, tags)
        self._models = models

    def accepted(self, request: Json) -> Json:
        """As it is."""
        variants, shadows = request["ProductionVariants"], request.get("ShadowProductionVariants", [])
        _check_variants([*variants, *shadows])
        _check_shadows(variants, shadows)
        _check_capture(variants, request.get("DataCaptureConfig"))
        for variant in (*variants, *shadows):
            _check_model(variant, self._models.find(variant["ModelName"]))
        return request


def _check_variants(variants: list[Json]) -> None:
    refuse_repeated("Variant names", [variant["VariantName"] for variant in variants])
    for variant in variants:
        if "ModelName" not in variant:
            raise not_supported("CreateEndpointConfig with a variant without ModelName (inference components)")
        if "ServerlessConfig" in variant:
            _check_serverless(variant, len(variants))
        elif "InstanceType" not in variant or "InitialInstanceCount" not in variant:
            raise invalid(
                f"Variant {variant['VariantName']} needs ServerlessConfig, or InstanceType and InitialInstanceCount"
            )


def _check_serverless(variant: Json, count: int) -> None:
    if "InstanceType" in variant or "InitialInstanceCount" in variant:
        raise invalid(f"Variant {variant['VariantName']} has both ServerlessConfig and instances: give one of them")
    if count > 1:
        raise invalid("A serverless endpoint has exactly one production variant")
    memory = variant["ServerlessConfig"]["MemorySizeInMB"]
    if memory % 1024:
        raise invalid(f"MemorySizeInMB must be one of 1024, 2048, 3072, 4096, 5120, 6144, not {memory}")


def _check_shadows(variants: list[Json], shadows: list[Json]) -> None:
    if not shadows:
        return
    if any("ServerlessConfig" in variant for variant in (*variants, *shadows)):
        raise invalid("A serverless endpoint does not support ShadowProductionVariants")
    if len(variants) != 1 or len(shadows) != 1:
        raise invalid("With ShadowProductionVariants there is exactly one production variant and one shadow variant")


def _check_capture(variants: list[Json], capture: Json | None) -> None:
    if capture is None:
        return
    if "ServerlessConfig" in variants[0]:
        raise invalid("A serverless endpoint does not support DataCaptureConfig")
    if not capture["DestinationS3Uri"].startswith("s3://"):
        raise invalid(f"DestinationS3Uri must look like s3://bucket/prefix, not {capture['DestinationS3Uri']!r}")


def _check_model(variant: Json, model: Named) -> None:
    given = [name for name in ("EnableNetworkIsolation", "VpcConfig") if model.request.get(name)]
    if given and "ServerlessConfig" in variant:
        raise invalid(f"A serverless endpoint does not support {given[0]}, which the model {model.name} has")
