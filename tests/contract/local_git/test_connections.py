"""Connections to a git host: pending until a person has completed them, under the service's new and old name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from retide.local.clock import Clock
from retide.local.codeconnections import HANDSHAKE, CodeConnections
from retide.local.codeconnections.resources import ConnectionResources
from retide.local.errors import ApiError
from retide.local.interfaces import Json, ResourceChange, Settings

KIND = "AWS::CodeConnections::Connection"


@pytest.fixture
def service(tmp_path: Path) -> Iterator[CodeConnections]:
    clock = Clock(0)
    yield CodeConnections(Settings(tmp_path, "http://127.0.0.1:1", {}, clock))
    clock.close()


def call(service: CodeConnections, operation: str, name: str = "codeconnections", **request: Any) -> Json:
    return service.apis[name].call(operation, request)


def created(service: CodeConnections, name: str = "git", **members: Any) -> str:
    arn: str = call(service, "CreateConnection", ConnectionName=name, ProviderType="GitHub", **members)["ConnectionArn"]
    return arn


def status(service: CodeConnections, arn: str) -> str:
    return str(call(service, "GetConnection", ConnectionArn=arn)["Connection"]["ConnectionStatus"])


def shake_hands(service: CodeConnections, body: object) -> Json:
    code, answer = service.routes[HANDSHAKE]("POST", "", json.dumps(body).encode())
    assert code == 200
    return answer


def test_a_connection_is_pending_until_the_handshake(service: CodeConnections) -> None:
    arn = created(service)
    assert status(service, arn) == "PENDING"

    assert shake_hands(service, {"connection": arn}) == {"connection": arn, "status": "AVAILABLE"}
    assert status(service, arn) == "AVAILABLE"


@pytest.mark.parametrize("body", [{}, [], {"connection": "arn:aws:codeconnections:us-east-1:0:connection/none"}])
def test_a_handshake_with_nobody_is_refused(service: CodeConnections, body: object) -> None:
    with pytest.raises(ValueError, match=r"POST|not found"):
        shake_hands(service, body)


def test_both_names_of_the_service_see_the_same_connections(service: CodeConnections) -> None:
    old = call(service, "CreateConnection", "codestar-connections", ConnectionName="a", ProviderType="GitHub")
    new = created(service, "b")

    listed = call(service, "ListConnections", "codestar-connections")["Connections"]
    assert [one["ConnectionArn"] for one in listed] == [old["ConnectionArn"], new]
    assert old["ConnectionArn"].split(":")[2] == "codestar-connections"
    assert new.split(":")[2] == "codeconnections"


def test_connections_are_listed_page_by_page_and_by_provider(service: CodeConnections) -> None:
    arns = [created(service, name) for name in "abc"]
    call(service, "CreateConnection", ConnectionName="d", ProviderType="GitLab")

    first = call(service, "ListConnections", MaxResults=2, ProviderTypeFilter="GitHub")
    rest = call(service, "ListConnections", NextToken=first["NextToken"], ProviderTypeFilter="GitHub")
    pages = [*first["Connections"], *rest["Connections"]]
    assert [one["ConnectionArn"] for one in pages] == arns
    assert "NextToken" not in rest


def test_a_name_of_a_connection_is_taken_until_it_is_deleted(service: CodeConnections) -> None:
    arn = created(service)
    with pytest.raises(ApiError, match="already exists"):
        created(service)
    call(service, "DeleteConnection", ConnectionArn=arn)
    created(service)

    with pytest.raises(ApiError, match="ResourceNotFoundException"):
        status(service, arn)


def test_tags_of_a_connection_come_and_go(service: CodeConnections) -> None:
    arn = created(service, Tags=[{"Key": "team", "Value": "a"}])
    call(service, "TagResource", ResourceArn=arn, Tags=[{"Key": "cost", "Value": "7"}])
    call(service, "UntagResource", ResourceArn=arn, TagKeys=["team"])

    assert call(service, "ListTagsForResource", ResourceArn=arn)["Tags"] == [{"Key": "cost", "Value": "7"}]


def test_a_connection_to_an_own_host_is_refused_by_name(service: CodeConnections) -> None:
    host = "arn:aws:codeconnections:us-east-1:000000000000:host/x-1"
    with pytest.raises(ApiError, match="CreateConnection with HostArn"):
        call(service, "CreateConnection", ConnectionName="git", HostArn=host)
    with pytest.raises(ApiError, match="Either ProviderType or HostArn"):
        call(service, "CreateConnection", ConnectionName="git")


def test_a_stack_makes_changes_and_deletes_a_connection(service: CodeConnections) -> None:
    resources = ConnectionResources(service.apis["codeconnections"], KIND)
    first = {"ConnectionName": "git", "ProviderType": "GitHub", "Tags": [{"Key": "team", "Value": "a"}]}
    made = resources.create(ResourceChange("Git", "stack", first))
    assert made.attributes["ConnectionStatus"] == "PENDING"

    tagged = first | {"Tags": [{"Key": "cost", "Value": "7"}]}
    kept = resources.update(ResourceChange("Git", "stack", tagged, made.physical_id, first))
    assert kept.physical_id == made.physical_id
    listed = call(service, "ListTagsForResource", ResourceArn=kept.physical_id)["Tags"]
    assert listed == [{"Key": "cost", "Value": "7"}]

    replaced = resources.update(
        ResourceChange("Git", "stack", tagged | {"ProviderType": "GitLab"}, kept.physical_id, tagged)
    )
    assert replaced.physical_id != kept.physical_id
    for _ in range(2):
        resources.delete(ResourceChange("Git", "stack", tagged, replaced.physical_id))
    assert call(service, "ListConnections")["Connections"] == []


def test_a_property_of_a_connection_that_is_not_built_is_refused(service: CodeConnections) -> None:
    resources = ConnectionResources(service.apis["codeconnections"], KIND)
    with pytest.raises(ApiError, match=f"{KIND} with HostArn"):
        resources.create(ResourceChange("Git", "stack", {"ConnectionName": "git", "HostArn": "x"}))
