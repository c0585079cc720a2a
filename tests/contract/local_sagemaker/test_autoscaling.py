"""Application Auto Scaling on a running cloud, by boto3 as a client: targets and policies of an endpoint's variants."""

from __future__ import annotations

from typing import Any, Final

import pytest
from botocore.exceptions import ClientError

from retide.aws.scaling import ApplicationScaling
from retide.domain.hosting import Scaling
from tests.contract.local_sagemaker.bench import Bench
from tests.patience import eventually

DIMENSION: Final = "sagemaker:variant:DesiredInstanceCount"


@pytest.fixture(scope="module")
def endpoint(bench: Bench) -> str:
    bench.config("scaled-1", InstanceType="ml.m5.large", InitialInstanceCount=2)
    bench.endpoint("scaled", "scaled-1")
    return "scaled"


def targets(bench: Bench, endpoint: str) -> list[tuple[int, int]]:
    client: Any = bench.client("application-autoscaling")
    found = client.describe_scalable_targets(
        ServiceNamespace="sagemaker", ResourceIds=[f"endpoint/{endpoint}/variant/AllTraffic"]
    )["ScalableTargets"]
    return [(one["MinCapacity"], one["MaxCapacity"]) for one in found]


def policies(bench: Bench) -> list[float]:
    client: Any = bench.client("application-autoscaling")
    found = client.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"]
    return [one["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] for one in found]


def test_what_scales_can_be_seen_changed_and_ended(bench: Bench, endpoint: str) -> None:
    scaling = ApplicationScaling(bench.client("application-autoscaling"))
    scaling.keep(endpoint, "AllTraffic", Scaling(2, 4, 600))
    scaling.keep(endpoint, "AllTraffic", Scaling(2, 6, 900))
    assert (targets(bench, endpoint), policies(bench)) == ([(2, 6)], [900.0])
    scaling.stop(endpoint, "AllTraffic")
    scaling.stop(endpoint, "AllTraffic")
    assert (targets(bench, endpoint), policies(bench)) == ([], [])


def test_what_cannot_scale_is_refused(bench: Bench, endpoint: str) -> None:
    client = bench.client("application-autoscaling")
    given = {"ServiceNamespace": "sagemaker", "ScalableDimension": DIMENSION, "MinCapacity": 2, "MaxCapacity": 1}
    for resource, why in (
        ("endpoint/nobody/variant/AllTraffic", "Could not find"),
        (f"endpoint/{endpoint}/variant/Other", "Could not find"),
        (f"endpoint/{endpoint}/variant/AllTraffic", "cannot be less"),
    ):
        with pytest.raises(ClientError, match=why):
            client.register_scalable_target(ResourceId=resource, **given)
    with pytest.raises(ClientError, match="No scalable target"):
        client.put_scaling_policy(
            PolicyName="p",
            ServiceNamespace="sagemaker",
            ScalableDimension=DIMENSION,
            ResourceId=f"endpoint/{endpoint}/variant/AllTraffic",
        )


def test_an_endpoint_that_is_deleted_takes_its_targets_along(bench: Bench) -> None:
    bench.config("brief-1", InstanceType="ml.m5.large", InitialInstanceCount=1)
    bench.endpoint("brief", "brief-1")
    ApplicationScaling(bench.client("application-autoscaling")).keep("brief", "AllTraffic", Scaling(1, 2, 600))
    bench.sagemaker.delete_endpoint(EndpointName="brief")
    eventually(lambda: targets(bench, "brief") == [] or None, "the target goes with its endpoint")


def test_an_update_that_retains_properties_keeps_the_count_that_scaling_has_set(bench: Bench) -> None:
    bench.config("grown-1", InstanceType="ml.m5.large", InitialInstanceCount=1)
    bench.config("grown-2", "2", InstanceType="ml.m5.large", InitialInstanceCount=1)
    bench.endpoint("grown", "grown-1")
    bench.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName="grown", DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", "DesiredInstanceCount": 3}]
    )
    bench.settled("grown")
    bench.sagemaker.update_endpoint(EndpointName="grown", EndpointConfigName="grown-2", RetainAllVariantProperties=True)
    (shown,) = bench.settled("grown")["ProductionVariants"]
    assert (shown["CurrentInstanceCount"], bench.invoke("grown")["version"]) == (3, "2")
