"""Backfill: objects that nobody knows are sent as one batch, known and hidden ones are not, and the end comes last."""

from __future__ import annotations

import json
from typing import Any

import pytest

from retide.aws.clients import Clients
from retide.cli.commands.operate import Filled, fill
from retide.cli.failures import CliError
from retide.cli.stage import Stage
from retide.cli.target import Target
from retide.domain.layout import ObjectVersion
from retide.domain.ledger import Arrival
from tests.contract.aws.conftest import BUCKET, TABLE, make_bucket, make_table


@pytest.fixture
def stage(clients: Clients) -> Stage:
    make_bucket(clients)
    make_table(clients)
    made = Stage(Target("dev", None))
    url = clients.sqs.create_queue(QueueName="arrivals")["QueueUrl"]
    made.__dict__["outputs"] = {"DataBucket": BUCKET, "LedgerTable": TABLE, "ArrivalsQueueUrl": url, "Models": "m"}
    return made


def put(stage: Stage, key: str) -> ObjectVersion:
    return ObjectVersion(key, stage.clients.s3.put_object(Bucket=BUCKET, Key=key, Body=b"x")["VersionId"])


def sent(stage: Stage) -> list[dict[str, Any]]:
    """What can be received at once: the end of a backfill comes later."""
    url = stage.output("ArrivalsQueueUrl")
    seen: list[dict[str, Any]] = []
    while messages := stage.clients.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        seen += [json.loads(message["Body"]) for message in messages]
    return seen


def delayed(stage: Stage) -> int:
    url = stage.output("ArrivalsQueueUrl")
    told = stage.clients.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    return int(told["ApproximateNumberOfMessagesDelayed"])


def test_every_version_that_nobody_knows_is_sent_in_one_batch_whose_end_comes_later(stage: Stage) -> None:
    versions = {put(stage, f"incoming/m/{n}.csv") for n in range(12)} | {put(stage, "incoming/m/0.csv")}
    put(stage, "incoming/m/day/_SUCCESS")
    put(stage, "incoming/n/other.csv")
    assert fill(stage, "incoming/m/") == Filled("m", 13, 0)
    messages = sent(stage)
    assert {ObjectVersion(message["key"], message["version"]) for message in messages} == versions
    assert len({message["backfill"] for message in messages}) == 1
    assert delayed(stage) == 1


def test_what_is_known_or_hidden_is_not_sent(stage: Stage) -> None:
    known = put(stage, "incoming/m/known.csv")
    stage.ledger.arrive("m", Arrival(known.key, known.version, "e", 1, "", "2026"))
    put(stage, "incoming/m/hidden.csv")
    stage.clients.s3.delete_object(Bucket=BUCKET, Key="incoming/m/hidden.csv")
    assert fill(stage, f"s3://{BUCKET}/incoming/m/") == Filled("m", 0, 1)
    assert (sent(stage), delayed(stage)) == ([], 0)


def test_a_backfill_that_was_cut_off_is_gone_on_with_and_ended(stage: Stage) -> None:
    held = put(stage, "incoming/m/held.csv")
    begun = "backfill of incoming/m/ at 2026-01-01T00:00:00+00:00"
    stage.ledger.arrive("m", Arrival(held.key, held.version, "e", 1, "", "2026"), begun)
    put(stage, "incoming/m/rest.csv")
    assert fill(stage, "incoming/m/") == Filled("m", 1, 1)
    assert [message["backfill"] for message in sent(stage)] == [begun]
    assert delayed(stage) == 1


@pytest.mark.parametrize("prefix", ["incoming/", "archive/m/", "", "incoming/unknown/"])
def test_a_place_that_belongs_to_no_model_is_refused(stage: Stage, prefix: str) -> None:
    with pytest.raises(CliError, match=r"is not under incoming/<model>/|there is no model 'unknown'"):
        fill(stage, prefix)
