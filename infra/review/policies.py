"""Every policy of a stage by the thing that it speaks for: a role, a role's trust, or a resource."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from infra.review.intrinsics import listed, text
from infra.review.statements import Permission, permissions
from infra.review.templates import Assembly, Json, Place

# Policies that are resources of their own: the property that says what they are attached to.
ATTACHED_BY: Final[Mapping[str, tuple[str, ...]]] = {
    "AWS::IAM::Policy": ("Roles", "Users", "Groups"),
    "AWS::IAM::ManagedPolicy": ("Roles", "Users", "Groups"),
    "AWS::IAM::RolePolicy": ("RoleName",),
    "AWS::IAM::UserPolicy": ("UserName",),
    "AWS::IAM::GroupPolicy": ("GroupName",),
    "AWS::S3::BucketPolicy": ("Bucket",),
    "AWS::SQS::QueuePolicy": ("Queues",),
    "AWS::SNS::TopicPolicy": ("Topics",),
    "AWS::SecretsManager::ResourcePolicy": ("SecretId",),
    "AWS::Lambda::Permission": ("FunctionName",),
    "AWS::Lambda::LayerVersionPermission": ("LayerVersionArn",),
    "AWS::Events::EventBusPolicy": ("EventBusName",),
}
TRUST: Final = "AssumeRolePolicyDocument"
IDENTITIES: Final = ("AWS::IAM::Role", "AWS::IAM::User", "AWS::IAM::Group")


@dataclass(frozen=True, slots=True, order=True)
class Subject:
    """Who or what a policy speaks for, as its stack refers to it; `aspect` is `may`, `trust` or `open to`."""

    stack: str
    reference: str
    aspect: str

    @property
    def logical_id(self) -> str | None:
        """Of the resource in the same stack, if it is one."""
        inner = self.reference.removeprefix("${").removesuffix("}").partition(".")[0]
        return inner if self.reference.startswith("${") and inner.isalnum() else None


Policies = dict[Subject, set[Permission]]


def policies(assembly: Assembly) -> Policies:
    """What is allowed and denied, by subject."""
    found: Policies = {}
    for place, resource in assembly.resources():
        for subject, permission in _of(place, resource.get("Properties", {})):
            found.setdefault(subject, set()).add(permission)
    return found


def _of(place: Place, properties: Json) -> Iterator[tuple[Subject, Permission]]:
    if place.kind == "AWS::Lambda::Permission":
        documents: Iterator[tuple[str, Json]] = iter([("", _invoke(properties))])
    else:
        documents = _documents(properties)
    for path, document in documents:
        for subject in _subjects(place, properties, path):
            yield from ((subject, permission) for permission in permissions(document))


def _subjects(place: Place, properties: Json, path: str) -> Iterator[Subject]:
    """An attached policy speaks for what it is attached to; any other for the resource that holds it."""
    aspect = _aspect(place.kind, path)
    if place.kind not in ATTACHED_BY:
        yield Subject(place.stack, f"${{{place.logical_id}}}", aspect)
        return
    if place.kind == "AWS::IAM::ManagedPolicy":  # roles may also name it themselves
        yield Subject(place.stack, f"${{{place.logical_id}}}", aspect)
    for name in ATTACHED_BY[place.kind]:
        for target in listed(properties.get(name, [])):
            yield Subject(place.stack, _whole(text(target)), aspect)


def _whole(reference: str) -> str:
    """`${Queue.Arn}` and `${Queue}` are one queue."""
    inner = reference.removeprefix("${").removesuffix("}")
    plain = reference.startswith("${") and reference.count("$") == 1 and reference.endswith("}")
    return f"${{{inner.partition('.')[0]}}}" if plain else reference


def _aspect(kind: str, path: str) -> str:
    if path.endswith(TRUST):
        return "trust"
    return "may" if kind.startswith("AWS::IAM::") else "open to"


def _documents(value: Any, path: str = "") -> Iterator[tuple[str, Json]]:
    """Whatever looks like a policy, wherever it stands: types that nobody has thought of are found as well."""
    value = _parsed(value)
    if isinstance(value, Mapping):
        if _is_policy(value):
            yield path, value
            return
        for name, inner in value.items():
            yield from _documents(inner, f"{path}/{name}")
    elif isinstance(value, list):
        for inner in value:
            yield from _documents(inner, path)


def _is_policy(value: Json) -> bool:
    statements = [statement for statement in listed(value.get("Statement")) if isinstance(statement, Mapping)]
    return any("Effect" in statement or str(next(iter(statement), "")).startswith("Fn::") for statement in statements)


def _parsed(value: Any) -> Any:
    """Some types take their policy as text, which may be put together by the template."""
    written = isinstance(value, str) or (isinstance(value, Mapping) and set(value) <= {"Fn::Join", "Fn::Sub"})
    if not value or not written or not text(value).lstrip().startswith("{"):
        return value
    try:
        return json.loads(text(value))
    except ValueError:
        return value


def _invoke(properties: Json) -> Json:
    """A Lambda permission as the statement that Lambda makes of it."""
    limits = {
        "ArnLike": {"aws:SourceArn": properties.get("SourceArn")},
        "StringEquals": {
            "aws:SourceAccount": properties.get("SourceAccount"),
            "aws:PrincipalOrgID": properties.get("PrincipalOrgID"),
            "lambda:FunctionUrlAuthType": properties.get("FunctionUrlAuthType"),
        },
    }
    given = {operator: {key: value for key, value in keys.items() if value} for operator, keys in limits.items()}
    principal = text(properties["Principal"])
    kind = "Service" if principal.endswith(".amazonaws.com") else "AWS"
    return {
        "Statement": {
            "Effect": "Allow",
            "Action": properties["Action"],
            "Principal": {kind: principal},
            "Condition": {operator: keys for operator, keys in given.items() if keys},
        }
    }
