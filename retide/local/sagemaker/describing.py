"""What DescribeEndpoint and ListEndpoints say of an endpoint."""

from __future__ import annotations

from retide.local.interfaces import Json
from retide.local.sagemaker.deployments import Endpoint
from retide.local.sagemaker.fleets import Fleet, weight
from retide.local.sagemaker.listing import Row


def endpoint_description(endpoint: Endpoint) -> Json:
    with endpoint.lock:
        fleet = endpoint.fleet
        return {
            "EndpointName": endpoint.name,
            "EndpointArn": endpoint.arn,
            "EndpointConfigName": endpoint.config,
            "ProductionVariants": _variants(fleet.variants) if fleet else None,
            "ShadowProductionVariants": _variants(fleet.shadows) if fleet and fleet.shadows else None,
            "DataCaptureConfig": _capture(fleet) if fleet else None,
            "EndpointStatus": endpoint.status,
            "FailureReason": endpoint.failure,
            "CreationTime": endpoint.created,
            "LastModifiedTime": endpoint.modified,
            "LastDeploymentConfig": endpoint.deployment,
            "PendingDeploymentSummary": _pending(endpoint) if endpoint.status == "Updating" else None,
        }


def endpoint_row(endpoint: Endpoint) -> Row:
    summary = {
        "EndpointName": endpoint.name,
        "EndpointArn": endpoint.arn,
        "CreationTime": endpoint.created,
        "LastModifiedTime": endpoint.modified,
        "EndpointStatus": endpoint.status,
    }
    return Row(endpoint.name, endpoint.created, endpoint.modified, summary, endpoint.status)


def _pending(endpoint: Endpoint) -> Json | None:
    if endpoint.pending is None:
        return None
    stage = {"Status": endpoint.stage, "StartTime": endpoint.staged}
    variants = _variants(endpoint.pending.request["ProductionVariants"])
    return {
        "EndpointConfigName": endpoint.pending.name,
        "ProductionVariants": [variant | {"VariantStatus": [stage]} for variant in variants],
        "StartTime": endpoint.begun,
    }


def _variants(variants: list[Json]) -> list[Json]:
    return [_variant(variant) for variant in variants]


def _variant(variant: Json) -> Json:
    share = weight(variant)
    summary: Json = {"VariantName": variant["VariantName"], "CurrentWeight": share, "DesiredWeight": share}
    if "ServerlessConfig" in variant:
        serverless = variant["ServerlessConfig"]
        return summary | {"CurrentServerlessConfig": serverless, "DesiredServerlessConfig": serverless}
    count = variant["InitialInstanceCount"]
    return summary | {"CurrentInstanceCount": count, "DesiredInstanceCount": count}


def _capture(fleet: Fleet) -> Json | None:
    capture = fleet.request.get("DataCaptureConfig")
    if capture is None:
        return None
    return {
        "EnableCapture": capture.get("EnableCapture", False),
        "CaptureStatus": "Started" if capture.get("EnableCapture") else "Stopped",
        "CurrentSamplingPercentage": capture["InitialSamplingPercentage"],
        "DestinationS3Uri": capture["DestinationS3Uri"],
        "KmsKeyId": capture.get("KmsKeyId", ""),
    }
