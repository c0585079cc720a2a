"""The function that takes a model away: what it made goes with its packages, the data stays."""

from __future__ import annotations

from typing import Any

import pytest

from functions.remove_model.handler import remove_model
from retide.aws.runtime import removal, runtime
from retide.domain.ledger import Cause, Champion, Release, Request
from tests.functions.deployment import Deployment


def asked(kind: str) -> dict[str, Any]:
    return {"RequestType": kind, "ResourceProperties": {"Stage": "dev", "Model": "m"}}


@pytest.fixture
def served(deployment: Deployment) -> Deployment:
    """A deployment whose ledger knows a request, and a version that serves."""
    removal.cache_clear()
    ledger = runtime().ledger
    ledger.ask("m", Request("code-1", Cause.CODE, "deployed", "2026-01-01"))
    token = ledger.take_endpoint("m", ledger.endpoint("m"), "arn:rollout")
    assert token
    release = Release(7, 1, "arn:package/7", "promoted", "right", "2026-01-01", config="c")
    ledger.promote("m", token, release, Champion("arn:package/7", 7, "job", "d", "c", "k", "m-1-1"), "e")
    return deployment


def test_after_a_model_was_removed_its_versions_may_begin_again_at_one(served: Deployment) -> None:
    ledger = runtime().ledger
    for _ in range(2):
        remove_model(asked("Delete"))
    assert (ledger.endpoint("m").version, ledger.head("m").champion, ledger.releases("m")) == (0, None, ())
    assert ledger.ask("m", Request("code-1", Cause.CODE, "deployed again", "2026-02-01"))


def test_a_model_that_is_added_or_changed_keeps_everything(served: Deployment) -> None:
    for kind in ("Create", "Update"):
        remove_model(asked(kind))
    assert runtime().ledger.endpoint("m").version == 7
