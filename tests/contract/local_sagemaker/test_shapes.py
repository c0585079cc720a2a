"""Requests against botocore's model: what AWS refuses is refused, in its words, and every pattern can be checked."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape

from retide.local.errors import ApiError
from retide.local.interfaces import ACCOUNT, REGION, Request
from retide.local.sagemaker import SageMaker
from retide.local.sagemaker.support import REFUSED
from retide.local.shapes import check_request, compiled, service_model
from tests.contract.local_sagemaker.bench import training_request


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"RoleArn": None}, "Value null at 'roleArn' failed to satisfy constraint: Member must not be null"),
        ({"Unheard": 1}, "Member 'unheard' is unknown"),
        ({"TrainingJobName": 7}, "Member must be a string"),
        ({"TrainingJobName": "a" * 64}, "length less than or equal to 63"),
        ({"EnableManagedSpotTraining": "yes"}, "Member must be a boolean"),
        ({"StoppingCondition": {"MaxRuntimeInSeconds": 0}}, "value greater than or equal to 1"),
        ({"StoppingCondition": {"MaxRuntimeInSeconds": True}}, "Member must be a integer"),
        ({"ResourceConfig": {"InstanceType": "ml.huge"}}, "Member must satisfy enum value set"),
        ({"InputDataConfig": [{"ChannelName": "a"}]}, "'inputDataConfig.1.member.dataSource'"),
        ({"HyperParameters": {"a": 3}}, "'hyperParameters.a' failed to satisfy constraint: Member must be a string"),
    ],
)
def test_a_request_that_aws_refuses_is_refused(change: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ApiError, match="ValidationException") as caught:
        check_request("sagemaker", "CreateTrainingJob", training_request("job") | change)
    assert complaint in caught.value.message


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(ApiError, match="3 validation errors detected"):
        check_request("sagemaker", "CreateTrainingJob", {})


def test_an_operation_that_aws_does_not_know_is_refused(sagemaker: SageMaker) -> None:
    with pytest.raises(ApiError, match=r"UnknownOperationException.*CreateMiracle"):
        sagemaker.api.call("CreateMiracle", {})


def test_an_operation_that_is_not_built_is_refused_by_name(sagemaker: SageMaker) -> None:
    with pytest.raises(ApiError, match=r"NotSupportedByLocalCloud: SageMaker\.ListDomains .*add it to"):
        sagemaker.api.call("ListDomains", {})


def test_the_log_tells_what_is_not_built_and_nothing_of_what_a_client_did_wrong(
    sagemaker: SageMaker, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="retide.local.api")

    sagemaker.handle(asked("DescribeEndpoint", EndpointName="absent"))
    sagemaker.handle(asked("ListDomains"))

    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "ListDomains" in caplog.text


def asked(operation: str, **members: Any) -> Request:
    target = {"x-amz-target": f"SageMaker.{operation}"}
    return Request("POST", "/", target, json.dumps(members).encode(), {}, ACCOUNT, REGION)


def test_every_pattern_of_every_operation_can_be_checked(sagemaker: SageMaker) -> None:
    shapes = [
        shape
        for name in sagemaker.api.operations
        for shape in reachable(service_model("sagemaker").operation_model(name).input_shape, set())
    ]

    patterns = {shape.metadata["pattern"] for shape in shapes if "pattern" in shape.metadata}

    assert len(patterns) > 20
    for pattern in patterns:
        compiled(pattern)


def test_what_is_refused_exists_in_the_model() -> None:
    for name, rules in REFUSED.items():
        for rule in rules:
            shape: Shape | None = service_model("sagemaker").operation_model(name).input_shape
            for part in rule.partition("=")[0].split("."):
                assert isinstance(shape, StructureShape), f"{name}: {rule}"
                shape = shape.members[part.removesuffix("[]")]
                assert isinstance(shape, ListShape) == part.endswith("[]") or rule.endswith(part), f"{name}: {rule}"
                shape = shape.member if part.endswith("[]") and isinstance(shape, ListShape) else shape
            if "=" in rule and isinstance(shape, StringShape):
                assert rule.partition("=")[2] in shape.metadata["enum"], f"{name}: {rule}"


def reachable(shape: Shape | None, seen: set[str]) -> list[Shape]:
    if shape is None or shape.name in seen:
        return []
    seen.add(shape.name)
    inside: list[Shape] = []
    if isinstance(shape, StructureShape):
        inside = list(shape.members.values())
    elif isinstance(shape, ListShape):
        inside = [shape.member]
    elif isinstance(shape, MapShape):
        inside = [shape.key, shape.value]
    return [shape, *(found for one in inside for found in reachable(one, seen))]
