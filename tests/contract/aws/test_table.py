"""The ledger's table: what a transaction promises, in memory and on DynamoDB."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from retide.aws.clients import Clients
from retide.aws.table import PAGE, DynamoTable
from retide.ports import Check, ConditionFailed, Delete, Key, Put, Table, Update, When
from tests.contract.aws.conftest import TABLE, make_table

ONE, TWO = Key("p", "a#1"), Key("p", "a#2")


def test_what_is_put_is_read_back_as_it_was(table: Table) -> None:
    values = {
        "text": "ü",
        "count": 3,
        "share": 0.25,
        "flag": True,
        "list": ["a", 1],
        "map": {"x": {"y": 2}},
        "empty": "",
    }
    table.transact(Put(ONE, values))
    assert table.get(ONE) == {**values, "pk": "p", "sk": "a#1"}


def test_a_field_without_a_value_is_not_kept(table: Table) -> None:
    table.transact(Put(ONE, {"here": 1, "gone": None}))
    assert table.get(ONE) == {"here": 1, "pk": "p", "sk": "a#1"}


def test_what_was_never_put_is_not_there(table: Table) -> None:
    assert table.get(ONE) is None
    assert table.query("p", "a#") == ()


def test_an_item_is_put_once_where_it_must_be_absent(table: Table) -> None:
    table.transact(Put(ONE, {"n": 1}, When(absent=True)))
    with pytest.raises(ConditionFailed) as refused:
        table.transact(Put(ONE, {"n": 2}, When(absent=True)))
    assert refused.value.failed == (0,)
    assert (table.get(ONE) or {})["n"] == 1


def test_a_transaction_is_written_as_a_whole_or_not_at_all(table: Table) -> None:
    with pytest.raises(ConditionFailed) as refused:
        table.transact(Put(ONE, {"n": 1}), Check(TWO, When(equals={"n": 1})))
    assert refused.value.failed == (1,)
    assert table.get(ONE) is None


def test_every_condition_that_failed_is_named(table: Table) -> None:
    table.transact(Put(ONE, {"n": 1}))
    with pytest.raises(ConditionFailed) as refused:
        table.transact(Put(ONE, {}, When(absent=True)), Update(TWO, {"n": 1}, When(equals={"n": 7})))
    assert refused.value.failed == (0, 1)


def test_an_update_sets_and_removes_fields_and_keeps_the_others(table: Table) -> None:
    table.transact(Put(ONE, {"keep": 1, "change": 1, "remove": 1}))
    table.transact(Update(ONE, {"change": 2, "remove": None, "new": {"a": [1]}}))
    assert table.get(ONE) == {"keep": 1, "change": 2, "new": {"a": [1]}, "pk": "p", "sk": "a#1"}


def test_an_update_makes_an_item_that_is_not_there(table: Table) -> None:
    table.transact(Update(ONE, {"n": 1, "nothing": None}))
    assert table.get(ONE) == {"n": 1, "pk": "p", "sk": "a#1"}


def test_an_update_that_only_removes_is_possible(table: Table) -> None:
    table.transact(Put(ONE, {"n": 1, "m": 2}))
    table.transact(Update(ONE, {"n": None}))
    assert table.get(ONE) == {"m": 2, "pk": "p", "sk": "a#1"}


@pytest.mark.parametrize("wanted", [{"n": 1}, {"n": 1, "m": None}, {"m": None}])
def test_a_condition_that_holds_lets_the_write_through(table: Table, wanted: dict[str, Any]) -> None:
    table.transact(Put(ONE, {"n": 1}))
    table.transact(Update(ONE, {"n": 2}, When(equals=wanted)))
    assert (table.get(ONE) or {})["n"] == 2


@pytest.mark.parametrize("wanted", [{"n": 2}, {"n": None}, {"n": 1, "m": 1}, {"n": "1"}])
def test_a_condition_that_does_not_hold_stops_the_write(table: Table, wanted: dict[str, Any]) -> None:
    table.transact(Put(ONE, {"n": 1}))
    with pytest.raises(ConditionFailed):
        table.transact(Delete(ONE, When(equals=wanted)))
    assert table.get(ONE) is not None


def test_a_field_of_an_item_that_is_not_there_counts_as_missing(table: Table) -> None:
    table.transact(Update(ONE, {"n": 1}, When(equals={"n": None})))
    assert (table.get(ONE) or {})["n"] == 1


def test_reserved_words_are_names_like_any_other(table: Table) -> None:
    table.transact(Put(ONE, {"state": "a", "name": "b", "size": 1, "key": "k"}))
    table.transact(Update(ONE, {"state": "c", "name": None}, When(equals={"size": 1, "key": "k"})))
    assert table.get(ONE) == {"state": "c", "size": 1, "key": "k", "pk": "p", "sk": "a#1"}


def test_deleting_twice_is_deleting_once(table: Table) -> None:
    table.transact(Put(ONE, {}))
    table.transact(Delete(ONE))
    table.transact(Delete(ONE))
    assert table.get(ONE) is None


def test_a_query_gives_one_prefix_of_one_partition_in_order(table: Table) -> None:
    for key in (Key("p", "a#2"), Key("p", "b#1"), Key("q", "a#1"), Key("p", "a#10"), Key("p", "a#1")):
        table.transact(Put(key, {}))
    assert [item["sk"] for item in table.query("p", "a#")] == ["a#1", "a#10", "a#2"]


def test_many_items_are_read_in_the_order_asked_for_and_missing_ones_are_nothing(table: Table) -> None:
    keys = tuple(Key("p", f"a#{n:03d}") for n in range(130))
    for key in keys[:-1]:
        table.transact(Put(key, {"n": key.sk}))
    found = table.get_many((keys[-1], *reversed(keys[:-1]), keys[0]))
    assert found[0] is None
    assert [item["n"] for item in found[1:] if item] == [*(key.sk for key in reversed(keys[:-1])), "a#000"]


def test_what_is_read_backwards_comes_last_first_and_only_as_far_as_somebody_asks(clients: Clients) -> None:
    table, calls = make_table(clients), list[str]()
    clients.dynamodb.meta.events.register("before-call.dynamodb.Query", lambda **_: calls.append("query"))
    for n in range(PAGE + 5):
        table.transact(Put(Key("p", f"a#{n:02}"), {"n": n}))
    found = table.backwards("p", "a#")
    assert [next(found)["n"] for _ in range(PAGE)] == list(range(PAGE + 4, 4, -1))
    assert len(calls) == 1
    assert [item["n"] for item in found] == [4, 3, 2, 1, 0]
    assert len(calls) == 2


def test_the_end_of_a_prefix_is_read_backwards_in_memory_too(table: Table) -> None:
    for sk in ("a#1", "a#2", "b#1"):
        table.transact(Put(Key("p", sk), {"n": 1}))
    assert [item["sk"] for item in table.backwards("p", "a#")] == ["a#2", "a#1"]
    assert list(table.backwards("q", "a#")) == []


def test_a_query_of_more_than_one_page_is_read_to_its_end(clients: Clients, table: Table) -> None:
    for n in range(30):
        table.transact(Put(Key("p", f"a#{n:02d}"), {"text": "x" * 100_000}))
    assert len(table.query("p", "a#")) == 30


class Colliding:
    """A client whose first transactions meet another one."""

    def __init__(self, client: Any, collisions: int) -> None:
        self.client = client
        self.left = collisions

    def __getattr__(self, name: str) -> Any:
        return getattr(self.client, name)

    def transact_write_items(self, **arguments: Any) -> Any:
        if self.left:
            self.left -= 1
            reasons = [{"Code": "TransactionConflict"}, {"Code": "None"}]
            answer: Any = {"Error": {"Code": "TransactionCanceledException"}, "CancellationReasons": reasons}
            raise ClientError(answer, "TransactWriteItems")
        return self.client.transact_write_items(**arguments)


@pytest.mark.parametrize("table", ["dynamodb"], indirect=True)
def test_transactions_that_collide_are_tried_again(clients: Clients, table: Table) -> None:
    pauses: list[float] = []
    client: Any = Colliding(clients.dynamodb, collisions=3)
    DynamoTable(client, TABLE, pause=pauses.append).transact(Put(ONE, {"n": 1}))
    assert (table.get(ONE) or {})["n"] == 1
    assert len(pauses) == 3


@pytest.mark.parametrize("table", ["dynamodb"], indirect=True)
def test_transactions_that_collide_for_ever_fail_with_aws_s_own_error(clients: Clients, table: Table) -> None:
    client: Any = Colliding(clients.dynamodb, collisions=1000)
    with pytest.raises(ClientError, match="TransactionCanceled"):
        DynamoTable(client, TABLE, pause=lambda _: None).transact(Put(ONE, {"n": 1}))
    assert table.get(ONE) is None
