"""The function behind the address of links: events as API Gateway has them, seals by KMS, packages in the registry."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from string import ascii_letters, digits
from typing import Any

import pytest

from functions.answer_link.handler import handler
from retide.aws.runtime import runtime
from retide.domain.approval_link import Ticket, to_token
from retide.domain.ledger import Means, Standing
from retide.ports import Status
from tests.contract.aws.test_registry import package
from tests.functions.deployment import Deployment


@pytest.fixture
def arn(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> str:
    """A version that waits for approval, and a key that seals links."""
    made = deployment.clients.kms.create_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")
    monkeypatch.setenv("RETIDE_APPROVAL_KEY", made["KeyMetadata"]["Arn"])
    runtime.cache_clear()
    return runtime().registry.create(package())


def link(decision: Standing = Standing.APPROVED, hours: float = 1, stage: str = "dev", version: int = 1) -> str:
    expires = datetime.now(UTC) + timedelta(hours=hours)
    ticket = Ticket(stage, "m", version, decision, int(expires.timestamp()))
    return to_token(ticket, runtime().seals.make(ticket.message))


def asked(token: str | None, method: str = "GET") -> dict[str, Any]:
    """An event of an HTTP API, format 2.0: without a query there are no parameters at all."""
    event = {
        "version": "2.0",
        "routeKey": f"{method} /approval",
        "rawPath": "/approval",
        "requestContext": {
            "http": {"method": method, "path": "/approval", "sourceIp": "192.0.2.1"},
            "stage": "$default",
        },
        "isBase64Encoded": False,
    }
    return handler(event | ({"queryStringParameters": {"token": token}} if token is not None else {}), None)


def test_a_link_shows_a_button_and_only_pressing_it_decides(arn: str) -> None:
    token = link()
    shown = asked(token)
    assert (shown["statusCode"], "<button>Approve</button>" in shown["body"]) == (200, True)
    assert runtime().registry.describe(arn).status is Status.PENDING
    assert asked(token, "POST")["statusCode"] == 200
    assert runtime().registry.describe(arn).status is Status.APPROVED
    approval = runtime().ledger.approval("m", 1)
    assert approval is not None
    assert (approval.means, approval.by) == (Means.LINK, "who held the link, at 192.0.2.1")
    assert asked(token, "POST")["statusCode"] == 200
    other = asked(link(Standing.REJECTED), "POST")
    assert (other["statusCode"], runtime().registry.describe(arn).status) == (409, Status.APPROVED)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_is_no_link_of_this_stage_or_too_late_or_of_nothing_decides_nothing(method: str, arn: str) -> None:
    token = link()
    altered = dict.fromkeys((token[:-1] + last for last in ascii_letters + digits if last != token[-1]), 403)
    cases = {None: 403, "": 403, "<script>": 403, link(stage="prod"): 403} | altered
    cases |= {link(hours=-1): 410, link(version=7): 410}
    for given, status in cases.items():
        answer = asked(given, method)
        assert answer["statusCode"] == status, given
        assert "<script>" not in answer["body"]
        assert "<button>" not in answer["body"]
        assert answer["headers"]["cache-control"] == "no-store"
        assert answer["headers"]["content-security-policy"].startswith("default-src 'none'")
    assert runtime().registry.describe(arn).status is Status.PENDING


def test_the_log_has_the_outcome_and_never_the_link(arn: str, capsys: pytest.CaptureFixture[str]) -> None:
    token = link()
    asked(token)
    told = "".join(capsys.readouterr())
    assert '"asked"' in told
    assert token not in told
    assert token.split(".")[1] not in told
