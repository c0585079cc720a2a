"""Each port twice: in memory and on moto, so that one suite holds the fakes to what the adapters do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from moto import mock_aws

from retide.aws.clients import Clients
from retide.aws.objects import S3Objects
from retide.aws.table import DynamoTable
from retide.ports import Objects, Table
from tests.fakes import FakeObjects, FakeTable

BUCKET = "bucket"
TABLE = "ledger"


@pytest.fixture
def clients() -> Iterator[Clients]:
    with mock_aws():
        yield Clients()


@pytest.fixture(params=["memory", "dynamodb"])
def table(request: pytest.FixtureRequest) -> Table:
    if request.param == "memory":
        return FakeTable()
    return make_table(request.getfixturevalue("clients"))


@pytest.fixture(params=["memory", "s3"])
def objects(request: pytest.FixtureRequest) -> Objects:
    if request.param == "memory":
        return FakeObjects()
    return make_bucket(request.getfixturevalue("clients"))


def make_table(clients: Clients) -> DynamoTable:
    clients.dynamodb.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
    )
    return DynamoTable(clients.dynamodb, TABLE)


def make_bucket(clients: Clients) -> S3Objects:
    clients.s3.create_bucket(Bucket=BUCKET)
    clients.s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    return S3Objects(clients.s3, BUCKET)
