"""What opens a resource without a policy's word: managed policies, public access, functions' addresses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from infra.review.intrinsics import listed, text
from infra.review.templates import Assembly, Json, Place

PUBLIC_ACCESS: Final = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")


def exposures(assembly: Assembly) -> dict[Place, frozenset[str]]:
    """By resource, each as a line; a line that was not there before is a broadening."""
    return {
        place: frozenset(_of(place.kind, resource.get("Properties", {}))) for place, resource in assembly.resources()
    }


def _of(kind: str, properties: Json) -> Iterator[str]:
    match kind:
        case "AWS::IAM::Role" | "AWS::IAM::User" | "AWS::IAM::Group":
            yield from (
                f"has the managed policy {text(arn)}" for arn in listed(properties.get("ManagedPolicyArns", []))
            )
        case "AWS::S3::Bucket":
            yield from _public(properties.get("PublicAccessBlockConfiguration", {}))
        case "AWS::Lambda::Url":
            if properties.get("AuthType") == "NONE":
                yield "has an address that anybody may call"
        case "AWS::IAM::OIDCProvider":
            for client in listed(properties.get("ClientIdList", [])):
                yield f"trusts {text(properties.get('Url'))} for {text(client)}"


def _public(blocked: Json) -> Iterator[str]:
    yield from (f"{name} is off" for name in PUBLIC_ACCESS if blocked.get(name) is not True)


def boundaries(assembly: Assembly) -> dict[Place, str]:
    """The permissions boundary of each identity that has one."""
    return {
        place: text(resource["Properties"]["PermissionsBoundary"])
        for place, resource in assembly.resources()
        if place.kind.startswith("AWS::IAM::") and "PermissionsBoundary" in resource.get("Properties", {})
    }
