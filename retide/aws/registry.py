"""The model registry on SageMaker."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from retide.aws.clients import code, message
from retide.ports import Document, NewPackage, Package, Status

if TYPE_CHECKING:
    from mypy_boto3_sagemaker.client import SageMakerClient

TEXT_LIMIT: Final = 1024
UNWANTED: Final = re.compile(r"[\x00-\x1f\x7f]")


class SageMakerRegistry:
    def __init__(self, client: SageMakerClient) -> None:
        self._client = client

    def create(self, package: NewPackage) -> str:
        answer = self._client.create_model_package(
            ModelPackageGroupName=package.group,
            ModelPackageDescription=_text(package.description),
            ModelApprovalStatus=Status.PENDING.value,
            ClientToken=package.token,
            InferenceSpecification=_specification(package),  # type: ignore[arg-type]
            CustomerMetadataProperties=dict(package.facts),
            ModelMetrics=_measured(package),  # type: ignore[arg-type]
            DriftCheckBaselines=_measured(package),  # type: ignore[arg-type]
            ModelCard={"ModelCardContent": package.card, "ModelCardStatus": "PendingReview"},
            MetadataProperties={"CommitId": package.commit, "GeneratedBy": "retide"},
        )
        return answer["ModelPackageArn"]

    def describe(self, arn: str) -> Package:
        try:
            answer = self._client.describe_model_package(ModelPackageName=arn)
        except ClientError as error:
            if code(error) == "ValidationException" and "not exist" in message(error):
                raise LookupError(f"there is no model package {arn}") from error
            raise
        container: Mapping[str, Any] = answer["InferenceSpecification"]["Containers"][0]
        return Package(
            arn=answer["ModelPackageArn"],
            group=answer["ModelPackageGroupName"],
            version=answer["ModelPackageVersion"],
            status=_status(answer),
            image=container["Image"],
            model_data_url=container["ModelDataUrl"],
            environment=container.get("Environment", {}),
            facts=answer.get("CustomerMetadataProperties", {}),
            description=answer.get("ModelPackageDescription", ""),
            source=answer.get("SourceUri", ""),
            reason=answer.get("ApprovalDescription", ""),
            by=_who(answer.get("LastModifiedBy", {})),
        )

    def versions(self, group: str) -> Iterator[tuple[int, str, Status]]:
        pages = self._client.get_paginator("list_model_packages").paginate(
            ModelPackageGroupName=group, ModelPackageType="Versioned", SortBy="CreationTime", SortOrder="Descending"
        )
        for page in pages:
            for summary in page["ModelPackageSummaryList"]:
                yield summary["ModelPackageVersion"], summary["ModelPackageArn"], _status(summary)

    def judge(self, arn: str, status: Status, reason: str) -> None:
        self._client.update_model_package(
            ModelPackageArn=arn, ModelApprovalStatus=status.value, ApprovalDescription=_text(reason)
        )

    def point(self, arn: str, source: str) -> None:
        """By a call of its own: what has an inference specification takes a source of another kind only afterwards."""
        self._client.update_model_package(ModelPackageArn=arn, SourceUri=source)


def _measured(package: NewPackage) -> dict[str, Any]:
    """The same documents say how good the model is and what later ones are compared with."""
    quality = {"ModelQuality": {"Statistics": _statistics(package.evaluation)}}
    data = {"ModelDataQuality": {"Statistics": _statistics(package.profile)}} if package.profile else {}
    return quality | data


def _statistics(document: Document) -> dict[str, str]:
    return {"ContentType": "application/json", "ContentDigest": f"sha256:{document.sha256}", "S3Uri": document.uri}


def _status(told: Mapping[str, Any]) -> Status:
    """The API may leave it out: then nobody has decided."""
    return Status(told.get("ModelApprovalStatus", Status.PENDING))


def _who(user: Mapping[str, Any]) -> str:
    """A person's profile in Studio, or the identity that called; empty where AWS tells neither."""
    return str(user.get("UserProfileName") or user.get("IamIdentity", {}).get("Arn") or "")


def _specification(package: NewPackage) -> dict[str, Any]:
    container = {
        "Image": package.image,
        "ModelDataUrl": package.model_data_url,
        "Environment": dict(package.environment),
    }
    types = ["application/json", "text/csv"]
    return {"Containers": [container], "SupportedContentTypes": types, "SupportedResponseMIMETypes": types[:1]}


def _text(text: str) -> str:
    """As much of a text as the registry takes, without control characters."""
    plain = UNWANTED.sub(" ", text)
    return plain if len(plain) <= TEXT_LIMIT else f"{plain[: TEXT_LIMIT - 1]}…"
