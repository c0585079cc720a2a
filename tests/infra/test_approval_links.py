"""Links for who is to approve: there where a contract leaves it to people, guarded, and nowhere else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from infra.functions import ANSWER_LINK, SIGNING
from infra.settings import Level
from tests.infra.conftest import Json, Templates, synthesise


@pytest.fixture(scope="module")
def by_people(tmp_path_factory: pytest.TempPathFactory) -> Templates:
    """At level 0 people approve everything, whatever the contracts say."""
    return synthesise(tmp_path_factory.mktemp("people"), "prod", level=Level.MANUAL)


def only(templates: Templates, kind: str) -> Json:
    (found,) = templates.resources(kind).values()
    properties: Json = found["Properties"]
    return properties


def role_of(templates: Templates, function: str) -> str:
    return str(templates.functions()[function]["Role"]["Fn::GetAtt"][0])


def actions(templates: Templates, function: str) -> set[str]:
    statements = templates.statements(role_of(templates, function))
    found = (statement["Action"] for statement in statements)
    return {action for one in found for action in (one if isinstance(one, list) else [one])}


def test_where_contracts_approve_by_themselves_there_is_no_address_and_no_key(templates: Templates) -> None:
    assert templates.resources("AWS::KMS::Key") == {}
    assert templates.resources("AWS::ApiGatewayV2::Api") == {}
    assert ANSWER_LINK.name not in templates.functions()
    variables = templates.functions()["release"]["Environment"]["Variables"]
    assert (variables["RETIDE_APPROVAL_URL"], variables["RETIDE_APPROVAL_KEY"]) == ("", "")


def test_who_writes_links_may_sign_and_who_takes_them_may_only_check(by_people: Templates) -> None:
    signing = {name for name in by_people.functions() if "kms:GenerateMac" in actions(by_people, name)}
    checking = {name for name in by_people.functions() if "kms:VerifyMac" in actions(by_people, name)}
    assert (signing, checking) == (set(SIGNING), {ANSWER_LINK.name})


def test_the_function_behind_the_address_may_do_what_its_row_says_and_check_links(by_people: Templates) -> None:
    declared = {action for grant in ANSWER_LINK.grants for action in grant.actions}
    house = {"logs:CreateLogStream", "logs:PutLogEvents", "sqs:SendMessage"}
    traced = {"xray:PutTraceSegments", "xray:PutTelemetryRecords"}
    assert actions(by_people, ANSWER_LINK.name) - traced == declared | house | {"kms:VerifyMac"}


def test_the_key_is_one_for_seals_and_its_name_is_all_that_functions_are_told(by_people: Templates) -> None:
    key = only(by_people, "AWS::KMS::Key")
    assert (key["KeySpec"], key["KeyUsage"]) == ("HMAC_256", "GENERATE_VERIFY_MAC")
    for properties in by_people.functions().values():
        told = json.dumps(properties["Environment"]["Variables"]["RETIDE_APPROVAL_KEY"])
        assert "GetAtt" in told
        assert "Arn" in told


def test_the_address_takes_two_routes_slowly_and_its_log_knows_no_link(by_people: Templates) -> None:
    routes = [route["Properties"] for route in by_people.resources("AWS::ApiGatewayV2::Route").values()]
    assert sorted(route["RouteKey"] for route in routes) == ["GET /approval", "POST /approval"]
    stage = only(by_people, "AWS::ApiGatewayV2::Stage")
    assert stage["DefaultRouteSettings"] == {"ThrottlingBurstLimit": 5, "ThrottlingRateLimit": 2}
    logged = json.loads(stage["AccessLogSettings"]["Format"])
    assert not {"path", "querystring", "header"} & {
        word.lower() for value in logged.values() for word in value.split(".")
    }


def test_the_address_may_call_that_function_only(by_people: Templates) -> None:
    permissions = by_people.resources("AWS::Lambda::Permission").values()
    found = [p["Properties"] for p in permissions if p["Properties"]["Principal"] == "apigateway.amazonaws.com"]
    assert len(found) == 1
    assert "/*/*/approval" in json.dumps(found[0]["SourceArn"])
    assert "answerlink" in json.dumps(found[0]["FunctionName"]).lower()


def test_one_contract_that_wants_a_person_brings_the_links(checkout: Path, tmp_path: Path) -> None:
    contract = checkout / "training/models/tumour/contract.yaml"
    text = contract.read_text()
    contract.write_text(text.replace("approval: automatic", "approval: manual"))
    found = synthesise(tmp_path / "out", "dev", root=checkout)
    assert len(found.resources("AWS::KMS::Key")) == 1
