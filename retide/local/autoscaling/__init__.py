"""Application Auto Scaling in the local cloud: variants of endpoints are registered and told of, and none scales."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

from retide.local.api import Api
from retide.local.autoscaling.targets import Targets
from retide.local.clients import client
from retide.local.interfaces import Handler, Json, Route, Settings

NAME: Final = "application-autoscaling"
PREFIX: Final = "AnyScaleFrontendService"
FOLDER: Final = "retide/local/autoscaling"
REFUSED: Final = {
    "RegisterScalableTarget": ("SuspendedState",),
    "PutScalingPolicy": ("StepScalingPolicyConfiguration", "PredictiveScalingPolicyConfiguration"),
}


class Extension(Protocol):
    """What scaling needs of the emulator beneath it."""

    def register_service(
        self, name: str, handler: Handler, host_patterns: tuple[str, ...] = (), target_prefixes: tuple[str, ...] = ()
    ) -> None: ...


class AutoScaling:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.targets = Targets(settings, self._variants)
        operations = {
            "RegisterScalableTarget": self.targets.register,
            "DescribeScalableTargets": self.targets.describe,
            "DeregisterScalableTarget": self.targets.deregister,
            "PutScalingPolicy": self.targets.put_policy,
            "DescribeScalingPolicies": self.targets.describe_policies,
            "DeleteScalingPolicy": self.targets.delete_policy,
        }
        self.api = Api(settings, NAME, operations, REFUSED, FOLDER)

    @property
    def routes(self) -> Mapping[str, Route]:
        return {}

    def close(self) -> None:
        """Nothing runs here."""

    def _variants(self, endpoint: str) -> list[Json] | None:
        """As DescribeEndpoint tells them; None where there is no such endpoint."""
        sagemaker = client(self._settings, "sagemaker")
        try:
            found: Json = sagemaker.describe_endpoint(EndpointName=endpoint)
        except sagemaker.exceptions.ClientError:
            return None
        return list(found.get("ProductionVariants", []))


def install(extension: Extension, settings: Settings) -> AutoScaling:
    """Register the service with the emulator."""
    service = AutoScaling(settings)
    extension.register_service(NAME, service.api.handle, (rf"^{NAME}\.",), (PREFIX,))
    return service
