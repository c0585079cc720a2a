"""Models and endpoint configurations: what an endpoint would run, on paper only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from retide.local.interfaces import Json, Settings
from retide.local.sagemaker.buckets import Buckets, TransferFailed
from retide.local.sagemaker.container import interpreter
from retide.local.sagemaker.errors import invalid, not_supported, refuse_repeated
from retide.local.sagemaker.listing import Row, page
from retide.local.sagemaker.packages import ModelPackages
from retide.local.sagemaker.store import Arns, Table, Tags

SERVING_MODULE: Final = "SAGEMAKER_SERVING_MODULE"


@dataclass(frozen=True, slots=True)
class Named:
    """A model or an endpoint configuration: it never changes."""

    name: str
    arn: str
    request: Json
    created: datetime


class Models:
    """The operations on models."""

    def __init__(self, settings: Settings, buckets: Buckets, packages: ModelPackages, tags: Tags) -> None:
        self._settings = settings
        self._buckets = buckets
        self._packages = packages
        self._tags = tags
        self._arns = Arns(settings)
        self._models: Table[Named] = Table()

    def create(self, request: Json) -> Json:
        """CreateModel."""
        if "PrimaryContainer" not in request or "ExecutionRoleArn" not in request:
            raise invalid("CreateModel needs PrimaryContainer and ExecutionRoleArn")
        container = self._resolved(request["PrimaryContainer"])
        self._check(container)
        name = request["ModelName"]
        arn = self._arns.of("model", name)
        model = Named(name, arn, request | {"PrimaryContainer": container}, self._settings.clock.now())
        self._models.add(name, model, invalid(f'Cannot create already existing model "{arn}".'))
        self._tags.start(arn, request.get("Tags", ()))
        return {"ModelArn": arn}

    def describe(self, request: Json) -> Json:
        """DescribeModel."""
        model = self.find(request["ModelName"])
        described = {key: value for key, value in model.request.items() if key != "Tags"}
        return described | {"ModelArn": model.arn, "CreationTime": model.created}

    def delete(self, request: Json) -> Json:
        """DeleteModel: endpoints that run it are not touched."""
        model = self.find(request["ModelName"])
        self._models.remove(model.name)
        self._tags.forget(model.arn)
        return {}

    def list(self, request: Json) -> Json:
        """ListModels."""
        rows = [Row(m.name, m.created, m.created, _summary("Model", m)) for m in self._models.all()]
        return page("Models", rows, request, "Descending")

    def find(self, name: str) -> Named:
        """Raises ValidationException when there is none."""
        return self._models.find(name, invalid(f'Could not find model "{self._arns.of("model", name)}".'))

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


class EndpointConfigs:
    """The operations on endpoint configurations."""

    def __init__(self, settings: Settings, models: Models, tags: Tags) -> None:
        self._settings = settings
        self._models = models
        self._tags = tags
        self._arns = Arns(settings)
        self._configs: Table[Named] = Table()

    def create(self, request: Json) -> Json:
        """CreateEndpointConfig."""
        _check_variants(request["ProductionVariants"])
        for variant in request["ProductionVariants"]:
            _check_model(variant, self._models.find(variant["ModelName"]))
        name = request["EndpointConfigName"]
        arn = self._arns.of("endpoint-config", name)
        config = Named(name, arn, request, self._settings.clock.now())
        self._configs.add(name, config, invalid(f'Cannot create already existing endpoint configuration "{arn}".'))
        self._tags.start(arn, request.get("Tags", ()))
        return {"EndpointConfigArn": arn}

    def describe(self, request: Json) -> Json:
        """DescribeEndpointConfig."""
        config = self.find(request["EndpointConfigName"])
        described = {key: value for key, value in config.request.items() if key != "Tags"}
        return described | {"EndpointConfigArn": config.arn, "CreationTime": config.created}

    def delete(self, request: Json) -> Json:
        """DeleteEndpointConfig."""
        config = self.find(request["EndpointConfigName"])
        self._configs.remove(config.name)
        self._tags.forget(config.arn)
        return {}

    def list(self, request: Json) -> Json:
        """ListEndpointConfigs."""
        rows = [Row(c.name, c.created, c.created, _summary("EndpointConfig", c)) for c in self._configs.all()]
        return page("EndpointConfigs", rows, request, "Descending")

    def find(self, name: str) -> Named:
        """Raises ValidationException when there is none."""
        arn = self._arns.of("endpoint-config", name)
        return self._configs.find(name, invalid(f'Could not find endpoint configuration "{arn}".'))


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


def _check_model(variant: Json, model: Named) -> None:
    given = [name for name in ("EnableNetworkIsolation", "VpcConfig") if model.request.get(name)]
    if given and "ServerlessConfig" in variant:
        raise invalid(f"A serverless endpoint does not support {given[0]}, which the model {model.name} has")


def _summary(kind: str, named: Named) -> Json:
    return {f"{kind}Name": named.name, f"{kind}Arn": named.arn, "CreationTime": named.created}
