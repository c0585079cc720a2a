"""How many instances a variant of an endpoint may have, as Application Auto Scaling is told."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Final

from retide.domain.hosting import Scaling

DIMENSION: Final = "sagemaker:variant:DesiredInstanceCount"
POLICY: Final = "retide-requests"


class ApplicationScaling:
    def __init__(self, client: Any) -> None:
        self._client = client

    def keep(self, endpoint: str, variant: str, scaling: Scaling) -> None:
        """Both calls may be repeated: the last one counts."""
        place = _place(endpoint, variant)
        self._client.register_scalable_target(**place, MinCapacity=scaling.least, MaxCapacity=scaling.most)
        metric = {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}
        self._client.put_scaling_policy(
            **place,
            PolicyName=POLICY,
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration={
                "TargetValue": float(scaling.requests),
                "PredefinedMetricSpecification": metric,
            },
        )

    def stop(self, endpoint: str, variant: str) -> None:
        """Its policies go with it."""
        with suppress(self._client.exceptions.ObjectNotFoundException):
            self._client.deregister_scalable_target(**_place(endpoint, variant))


def _place(endpoint: str, variant: str) -> dict[str, str]:
    return {
        "ServiceNamespace": "sagemaker",
        "ResourceId": f"endpoint/{endpoint}/variant/{variant}",
        "ScalableDimension": DIMENSION,
    }
