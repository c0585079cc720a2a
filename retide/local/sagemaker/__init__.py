"""SageMaker as AWS documents it, on this machine: jobs and endpoints are processes, everything else is in memory."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, Protocol

from retide.local.api import Api, Operation
from retide.local.clients import client
from retide.local.folders import remove_tree
from retide.local.interfaces import Event, Handler, Measure, Request, ResourceType, Response, Route, Settings, Task
from retide.local.processes import Registry
from retide.local.sagemaker import tasks
from retide.local.sagemaker.buckets import Buckets
from retide.local.sagemaker.capture import Capture
from retide.local.sagemaker.deployments import Hosting
from retide.local.sagemaker.endpointlogs import EndpointLogs
from retide.local.sagemaker.endpoints import Endpoints
from retide.local.sagemaker.errors import FOLDER
from retide.local.sagemaker.events import Events
from retide.local.sagemaker.groups import ModelPackageGroups
from retide.local.sagemaker.invocations import Invocations
from retide.local.sagemaker.models import EndpointConfigs, Models
from retide.local.sagemaker.operations import JobOperations
from retide.local.sagemaker.packages import ModelPackages
from retide.local.sagemaker.processing import ProcessingJobs
from retide.local.sagemaker.resources import GROUP, GroupResources
from retide.local.sagemaker.runtime import Runtime
from retide.local.sagemaker.store import Tags
from retide.local.sagemaker.support import REFUSED
from retide.local.sagemaker.telemetry import Telemetry
from retide.local.sagemaker.training import TrainingJobs
from retide.local.sagemaker.transform.jobs import TransformJobs
from retide.local.sagemaker.tuning import HyperParameterTuningJobs


class Extension(Protocol):
    """What SageMaker needs of the emulator beneath it."""

    def register_service(
        self, name: str, handler: Handler, host_patterns: tuple[str, ...] = (), target_prefixes: tuple[str, ...] = ()
    ) -> None: ...

    def register_task(self, resource: str, task: Task) -> None: ...

    def register_sdk_service(
        self, name: str, target_prefix: str, error_prefix: str, error_names: Mapping[str, str]
    ) -> None: ...

    def register_resource_type(self, name: str, resource_type: ResourceType) -> None: ...

    def emit_event(self, event: Event) -> None: ...

    def measure(self, measure: Measure) -> None: ...

    def alarm_state(self, name: str) -> str | None: ...


class SageMaker:
    """All of it, wired once."""

    routes: Final[Mapping[str, Route]] = MappingProxyType({})

    def __init__(self, settings: Settings, extension: Extension) -> None:
        remove_tree(settings.home / "sagemaker")  # of an earlier run, whose jobs nobody remembers
        registry, events, tags = Registry(settings.home), Events(extension), Tags()
        buckets, logs = Buckets(client(settings, "s3")), client(settings, "logs")
        self.tags = tags
        self.training = TrainingJobs(settings, registry, buckets, logs, events, tags)
        self.processing = ProcessingJobs(settings, registry, buckets, logs, events, tags)
        self.tuning = HyperParameterTuningJobs(settings, self.training, events, tags)
        self.groups = ModelPackageGroups(settings, tags)
        self.packages = ModelPackages(settings, self.groups, events, tags)
        self.models = Models(settings, buckets, self.packages, tags)
        self.transform = TransformJobs(settings, registry, buckets, logs, events, tags, models=self.models)
        self.jobs: tuple[JobOperations, ...] = (self.training, self.processing, self.transform)
        self.configs = EndpointConfigs(settings, self.models, tags)
        self._endpoint_logs = EndpointLogs(logs)
        hosting = Hosting(settings, registry, buckets, extension, self._endpoint_logs)
        self.endpoints = Endpoints(hosting, self.configs, self.models, events, tags)
        self.api = Api(settings, "sagemaker", self._operations(), REFUSED, FOLDER)
        self._capture = Capture(settings, buckets)
        self._runtime = Runtime(settings, self.endpoints, Invocations(Telemetry(settings, extension), self._capture))

    def handle(self, request: Request) -> Response:
        """Control plane and runtime share one signing name: the path tells them apart."""
        return (self._runtime if request.path.startswith("/endpoints/") else self.api).handle(request)

    def close(self) -> None:
        """End every job and every server."""
        self.tuning.close()
        for jobs in self.jobs:
            jobs.close()
        self._endpoint_logs.close()
        self.endpoints.close()
        self._capture.close()

    def _operations(self) -> dict[str, Operation]:
        packages, groups, endpoints = self.packages, self.groups, self.endpoints
        special: dict[str, Operation] = {
            "StopTrainingJob": self.training.stop,
            "StopHyperParameterTuningJob": self.tuning.stop,
            "ListTrainingJobsForHyperParameterTuningJob": self.tuning.children,
            "StopProcessingJob": self.processing.stop,
            "StopTransformJob": self.transform.stop,
            "DeleteTrainingJob": self.training.delete,
            "DeleteProcessingJob": self.processing.delete,
            "DeleteModel": self.models.delete,
            "DeleteEndpointConfig": self.configs.delete,
            "UpdateEndpoint": endpoints.update,
            "UpdateEndpointWeightsAndCapacities": endpoints.update_weights,
            "DeleteEndpoint": endpoints.delete,
            "UpdateModelPackage": packages.update,
            "DeleteModelPackage": packages.delete,
            "DeleteModelPackageGroup": packages.delete_group,
            "AddTags": self.tags.add,
            "ListTags": self.tags.list,
            "DeleteTags": self.tags.delete,
        }
        kinds: dict[str, Any] = {
            "TrainingJob": self.training,
            "HyperParameterTuningJob": self.tuning,
            "ProcessingJob": self.processing,
            "TransformJob": self.transform,
            "Model": self.models,
            "EndpointConfig": self.configs,
            "Endpoint": endpoints,
            "ModelPackage": packages,
            "ModelPackageGroup": groups,
        }
        for kind, service in kinds.items():
            special |= {
                f"Create{kind}": service.create,
                f"Describe{kind}": service.describe,
                f"List{kind}s": service.list,
            }
        return special


def install(extension: Extension, settings: Settings) -> SageMaker:
    """Register SageMaker with the emulator; close the result before the emulator ends."""
    service = SageMaker(settings, extension)
    extension.register_service(
        "sagemaker",
        service.handle,
        (r"api\.sagemaker\.", r"runtime\.sagemaker\."),
        ("SageMaker.",),
    )
    extension.register_sdk_service("sagemaker", "SageMaker", "SageMaker", tasks.SDK_ERRORS)
    extension.register_resource_type(GROUP, GroupResources(service.api).type())
    tasks.register(extension, service.api, (*service.jobs, service.tuning))
    return service
