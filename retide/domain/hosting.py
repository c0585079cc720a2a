"""What SageMaker is asked for to host a version: variants, deployment in steps, capture, and the names beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from retide.domain.contract_serving import Profile, Serving, Traffic
from retide.domain.environment import endpoint_name

NAMESPACE: Final = "Retide"  # of our own metrics
VARIANT: Final = "AllTraffic"
CHALLENGER: Final = "Challenger"  # answers its share of the requests
SHADOW: Final = "Shadow"  # gets a copy of all, and nobody hears it
MOST_SECONDS: Final = 6_600  # of an update in steps: less than the rollout machine waits
WAIT_SECONDS: Final = 60  # how long the old instances stand by when the new ones serve all
ALARMS: Final = ("errors", "latency", "shift")
CAPTURES: Final = "captures/"
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Scaling:
    """Instances at least and at most, and how many requests a minute each is to be asked."""

    least: int
    most: int
    requests: int


def endpoint_of(stage: str, model: str, profile: Profile) -> str:
    """Each profile has an endpoint of its own: SageMaker turns none into the other kind."""
    name = endpoint_name(stage, model)
    return name if profile is Profile.SERVERLESS else f"{name}-instances"


def alias(stage: str, model: str) -> str:
    """Where a client finds the name of the endpoint that serves the model now."""
    return f"/retide/{stage}/{model}/endpoint"


def alarm_names(stage: str, model: str) -> tuple[str, ...]:
    """The alarms that watch a deployment on instances."""
    return tuple(f"retide-{stage}-{model}-{what}" for what in ALARMS)


def variants(model_name: str, serving: Serving) -> list[Json]:
    """ProductionVariants of an endpoint config."""
    if serving.profile is Profile.SERVERLESS:
        sized = {"MemorySizeInMB": serving.memory_mib, "MaxConcurrency": serving.max_concurrency}
        return [{"VariantName": VARIANT, "ModelName": model_name, "ServerlessConfig": sized}]
    return [_on_instances(VARIANT, model_name, serving)]


def tested(model_name: str, challenger: str, percent: int, serving: Serving) -> tuple[list[Json], list[Json]]:
    """ProductionVariants and ShadowProductionVariants of an A/B test; `challenger` is its model's name.

    A challenger gets `percent` of the requests and as large a part of the instances, at least one; with 0 it is a
    shadow of the same size as the champion, for it is asked as much.
    """
    if not percent:
        return variants(model_name, serving), [_on_instances(SHADOW, challenger, serving)]
    count = -(-serving.instances * percent // 100)
    return [
        _on_instances(VARIANT, model_name, serving) | {"InitialVariantWeight": 100 - percent},
        _on_instances(CHALLENGER, challenger, serving)
        | {"InitialVariantWeight": percent, "InitialInstanceCount": count},
    ], []


def _on_instances(name: str, model_name: str, serving: Serving) -> Json:
    return {
        "VariantName": name,
        "ModelName": model_name,
        "InstanceType": serving.instance_type,
        "InitialInstanceCount": serving.instances,
        "InitialVariantWeight": 1,
    }


def capture(serving: Serving, model: str, bucket_uri: str, *, test: bool = False) -> Json:
    """DataCaptureConfig: answers as JSON lines in the data bucket, and with `serving.capture` requests as well.

    Answers are kept whatever the contract says: without them nobody sees how far those of a new version depart. During
    a `test` all answers are, for one that has lost its pair says nothing; requests then only where all are to be kept.
    On serverless endpoints the server itself keeps what is asked for.
    """
    if serving.profile is Profile.SERVERLESS:
        return {}
    kept = serving.capture >= 100 if test else serving.capture > 0
    sides = ("Input", "Output") if kept else ("Output",)
    return {
        "EnableCapture": True,
        "InitialSamplingPercentage": max(1, round(serving.capture)) if kept else 100,
        "DestinationS3Uri": f"{bucket_uri}{CAPTURES}{model}",
        "CaptureOptions": [{"CaptureMode": side} for side in sides],
        "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"], "JsonContentTypes": ["application/json"]},
    }


def scaling(serving: Serving) -> Scaling | None:
    """How the variant that serves may grow and shrink by itself; None where its instances stay as many as they are."""
    if serving.profile is Profile.SERVERLESS or serving.max_instances is None:
        return None
    return Scaling(serving.instances, serving.max_instances, serving.requests_per_instance)


def deployment(serving: Serving, stage: str, model: str) -> Json:
    """DeploymentConfig: in steps, each watched by the alarms; one that rings brings the old version back."""
    if serving.profile is Profile.SERVERLESS:
        return {}
    return {
        "BlueGreenUpdatePolicy": {
            "TrafficRoutingConfiguration": _routing(serving),
            "TerminationWaitInSeconds": WAIT_SECONDS,
            "MaximumExecutionTimeoutInSeconds": MOST_SECONDS,
        },
        "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": name} for name in alarm_names(stage, model)]},
    }


def _routing(serving: Serving) -> Json:
    size = {"Type": "INSTANCE_COUNT", "Value": serving.step_instances}
    wait = {"WaitIntervalInSeconds": serving.bake_seconds}
    kinds: dict[Traffic, Json] = {
        Traffic.CANARY: {"Type": "CANARY", "CanarySize": size, **wait},
        Traffic.LINEAR: {"Type": "LINEAR", "LinearStepSize": size, **wait},
        Traffic.AT_ONCE: {"Type": "ALL_AT_ONCE", **wait},
    }
    return kinds[serving.traffic]
