"""Deliveries that go wrong on request: twice, late, in another order, not at all; to targets of rules and to queues."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.contract.local.troubled import Troubled
from tests.patience import eventually


@pytest.fixture
def held(troubled: Troubled) -> Iterator[Troubled]:
    """A cloud whose clock stands still until a test moves it."""
    troubled.running.change_time(hold=True)
    yield troubled
    troubled.running.change_time(release=True)


def subscribed(troubled: Troubled) -> tuple[str, str, str]:
    """A queue's URL and ARN, and the source whose events it gets."""
    url, arn = troubled.account.queue()
    source = troubled.account.name("source")
    troubled.account.rule({"source": [source]}, arn)
    return url, arn, source


def numbers(troubled: Troubled, url: str) -> list[int]:
    return [json.loads(body)["detail"]["number"] for body in troubled.bodies(url)]


def test_an_event_is_delivered_more_than_once_under_one_id(troubled: Troubled) -> None:
    url, arn, source = subscribed(troubled)
    troubled.running.inject("delivery", "duplicate", target=arn, copies=2)

    troubled.account.put_event(source, number=1)
    troubled.account.put_event(source, number=2)

    bodies = [json.loads(body) for body in troubled.bodies(url)]
    assert [body["detail"]["number"] for body in bodies] == [1, 1, 1, 2]
    assert len({body["id"] for body in bodies[:3]}) == 1


def test_an_event_is_dropped_where_it_says_what_was_asked_for(troubled: Troubled) -> None:
    url, arn, source = subscribed(troubled)
    troubled.running.inject("delivery", "drop", target=arn, contains='"number": 2')

    for number in (1, 2, 3):
        troubled.account.put_event(source, number=number)

    assert numbers(troubled, url) == [1, 3]


def test_an_event_comes_later_by_the_clock_of_the_cloud(held: Troubled) -> None:
    url, arn, source = subscribed(held)
    held.running.inject("delivery", "delay", target=arn, seconds=30)

    held.account.put_event(source, number=1)
    assert numbers(held, url) == []
    held.running.change_time(advance=30)

    assert eventually(lambda: numbers(held, url), "the delayed event") == [1]


def test_events_come_in_another_order_that_is_the_same_each_time(held: Troubled) -> None:
    orders = []
    for _ in range(2):
        url, arn, source = subscribed(held)
        held.running.inject("delivery", "reorder", target=arn, window=6, times=6, seed=7)
        for number in range(6):
            held.account.put_event(source, number=number)
        orders.append(numbers(held, url))

    assert sorted(orders[0]) == list(range(6)) != orders[0]
    assert orders[0] == orders[1]


def test_what_a_reordering_holds_back_goes_after_a_while(held: Troubled) -> None:
    url, arn, source = subscribed(held)
    held.running.inject("delivery", "reorder", target=arn, window=5, times=0, seconds=10)

    for number in range(3):
        held.account.put_event(source, number=number)
    assert numbers(held, url) == []
    held.running.change_time(advance=10)

    came = eventually(lambda: numbers(held, url), "what was held back")
    assert sorted([*came, *numbers(held, url)]) == [0, 1, 2]


@pytest.mark.parametrize(("effect", "come"), [("duplicate", 2), ("drop", 0), ("delay", 0)])
def test_a_message_that_is_sent_to_a_queue_goes_wrong_alike(held: Troubled, effect: str, come: int) -> None:
    url, arn = held.account.queue()
    held.running.inject("delivery", effect, channel="queue", target=arn, seconds=20)

    answer = held.account.sqs.send_message(QueueUrl=url, MessageBody="hello")

    assert answer["MessageId"]
    assert held.bodies(url) == ["hello"] * come
    held.running.change_time(advance=20)
    if effect == "delay":
        assert eventually(lambda: held.bodies(url), "the delayed message") == ["hello"]


def test_a_delivery_elsewhere_is_left_alone(troubled: Troubled) -> None:
    url, _, source = subscribed(troubled)
    _, other = troubled.account.queue()
    troubled.running.inject("delivery", "drop", target=other, times=0)

    troubled.account.put_event(source, number=1)

    assert numbers(troubled, url) == [1]
