"""Tiny stages to compare: one stack with the resources that a test names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infra.review.templates import Assembly

Json = dict[str, Any]


def stage(**resources: Json) -> Assembly:
    return Assembly({"stack": {"Resources": resources}})


def role(**properties: Any) -> Json:
    trust = {"Statement": [statement("sts:AssumeRole", Principal={"Service": "lambda.amazonaws.com"})]}
    return {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust, **properties}}


def statement(actions: object, effect: str = "Allow", **rest: Any) -> Json:
    return {"Effect": effect, "Action": actions, **rest}


def policy(*statements: Mapping[str, Any], role: str = "Role") -> Json:
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    return {"Type": "AWS::IAM::Policy", "Properties": {"PolicyDocument": document, "Roles": [{"Ref": role}]}}


def with_policy(*statements: Mapping[str, Any]) -> Assembly:
    """A role that may do exactly this."""
    return stage(Role=role(), Policy=policy(*statements))
