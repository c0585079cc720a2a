"""Dead letters: each is sent again, told now, or parked until a person looks; none lies there unseen."""

from __future__ import annotations

import json
from typing import Any

import pytest

from retide.cli.commands.operate import resend
from retide.domain.accounting import balance
from retide.domain.intake import Origin
from tests.unit.steps.world import World, approved_event, wish


def bury_letter(world: World, letter: str) -> tuple[str, ...]:
    """Dead again after each redrive; what the reconciler did with it last."""
    for _ in range(2):
        world.dead.letters = {"h1": letter}
        assert world.reconcile().acts == ("sent 1 dead letters to the arrivals again",)
        assert world.dead.letters == {}
    world.dead.letters = {"h1": letter}
    return world.reconcile().acts


def test_dead_letters_are_sent_again_twice_and_then_parked_so_that_no_alarm_stands(world: World) -> None:
    letter = json.dumps(world.put())
    (act,) = bury_letter(world, letter)
    assert act.startswith("parked 1 dead letters (")
    assert world.dead.letters == {}
    assert [parked.body for parked in world.ledger.parked()] == [letter]
    assert act in world.notices.published[-1][1]
    told = len(world.notices.published)
    world.reconcile()
    assert len(world.notices.published) == told, "people are told once"


def test_a_second_letter_that_is_parked_is_told_of_as_well(world: World) -> None:
    (first,) = bury_letter(world, json.dumps(world.put("incoming/m/a.csv")))
    (second,) = bury_letter(world, json.dumps(world.put("incoming/m/b.csv")))
    assert first != second
    assert second in world.notices.published[-1][1]
    assert len(world.ledger.parked()) == 2


def test_a_reconciler_that_dies_between_parking_a_letter_and_taking_it_off_its_queue_parks_it_once(
    world: World,
) -> None:
    letter = json.dumps(world.put())
    bury_letter(world, letter)
    world.dead.letters = {"h2": letter}  # as it was before it was taken off
    world.reconcile()
    assert world.dead.letters == {}
    assert [parked.body for parked in world.ledger.parked()] == [letter]


def test_what_a_person_sends_again_becomes_a_run_and_may_die_as_often_as_any_other(world: World) -> None:
    letter = json.dumps(world.put())
    bury_letter(world, letter)
    world.queue.messages.clear()
    assert resend(world.ledger, Mailbox(world)) == {Origin.ARRIVALS: 1}
    assert world.ledger.parked() == ()
    assert len(world.ledger.waiting("m").objects) == 1
    (act,) = bury_letter(world, letter)
    assert act.startswith("parked 1 dead letters (")


class Mailbox:
    """The arrivals, whose messages are dispatched at once."""

    def __init__(self, world: World) -> None:
        self._world = world

    def send_text(self, body: str) -> None:
        self._world.dispatch(body)


def test_a_redriven_arrival_becomes_a_run(world: World) -> None:
    world.dead.letters = {f"h{n}": json.dumps(world.put(f"incoming/m/{n}.csv")) for n in range(25)}
    world.reconcile()
    world.drain()
    assert len(world.ledger.waiting("m").objects) == 25
    assert world.executions.names == ["m-1-1"]


def test_a_message_that_is_parked_is_in_the_accounts_of_the_model_that_it_names(world: World) -> None:
    arrived, asked, approved = world.put("incoming/m/a.csv"), wish("k"), approved_event(1)
    before = balance(world.ledger.books("m"))
    for message in (arrived, asked, approved):
        bury_letter(world, json.dumps(message))
    bury_letter(world, json.dumps("of no model"))
    account = balance(world.ledger.books("m"))
    assert (before.received, account.received, account.dead_lettered, account.problems) == (0, 3, 3, ())
    assert balance(world.ledger.books("n")).received == 0
    assert [letter.model for letter in world.ledger.parked()] == ["m", "m", "m", ""]
    assert world.ledger.parked()[0].subject == "incoming/m/a.csv"


def test_a_message_that_is_sent_again_and_taken_moves_in_the_accounts(world: World) -> None:
    bury_letter(world, json.dumps(world.put("incoming/m/a.csv")))
    world.queue.messages.clear()
    resend(world.ledger, Mailbox(world))
    account = balance(world.ledger.books("m"))
    assert (account.received, account.dead_lettered, sum(account.waiting.values()), account.problems) == (1, 0, 1, ())


# What functions could not do, and what people could not be told.

PASS = {"source": "aws.scheduler", "detail-type": "Scheduled Event", "id": "1", "time": "2026-01-01T00:00:00Z"}
DEPLOYMENT = {
    "RequestType": "Update",
    "ResourceType": "Custom::RetideCode",
    "LogicalResourceId": "Codem",
    "ResponseURL": "https://cloudformation.example/?signature=secret",
}
ENDED = {
    "source": "aws.states",
    "detail": {"name": "m-1-1", "status": "FAILED", "error": "ReleaseFailed", "cause": "no table"},
}


def fail(world: World, *events: Any, why: str = "ValueError: no such thing") -> tuple[str, ...]:
    """These are dead letters of functions now; what the reconciler says of them."""
    world.failures.why = why
    world.failures.letters = {f"f{n}": json.dumps(event) for n, event in enumerate(events)}
    acts = world.reconcile().acts
    assert world.failures.letters == {}, "no letter lies there, for an alarm stands as long as one does"
    return acts


@pytest.mark.parametrize(
    ("event", "what"),
    [
        (PASS, "a pass of the reconciler failed"),
        (DEPLOYMENT, "CloudFormation was not answered (Update Custom::RetideCode Codem)"),
        ({"anything": 1}, "a function failed"),
        (["no", "event"], "a function failed"),
    ],
)
def test_what_a_function_could_not_do_is_told_once_and_kept(world: World, event: Any, what: str) -> None:
    (act,) = fail(world, event)
    assert act.startswith(f"{what}: ValueError: no such thing: ")
    assert act in world.notices.published[-1][1]
    (kept,) = world.ledger.parked()
    assert (kept.origin, kept.why) == (Origin.FUNCTION, f"{what}: ValueError: no such thing")
    assert fail(world, event) == ()
    assert len(world.ledger.parked()) == 1


def test_passes_that_fail_for_hours_are_one_letter_until_a_person_puts_it_away(world: World) -> None:
    acts = [fail(world, {**PASS, "id": str(number)}) for number in range(20)]
    assert [len(said) for said in acts] == [1] + 19 * [0]
    assert len(world.ledger.parked()) == 1
    assert resend(world.ledger, Mailbox(world)) == {Origin.FUNCTION: 1}
    assert world.ledger.parked() == ()
    assert world.ledger.receipts("") == (), "it is no message of the arrivals, and is not sent to them"
    assert len(fail(world, PASS)) == 1, "what fails after that is told of again"


def test_an_address_by_which_anybody_could_answer_cloudformation_is_not_kept(world: World) -> None:
    fail(world, DEPLOYMENT)
    (kept,) = world.ledger.parked()
    assert json.loads(kept.body) == {name: value for name, value in DEPLOYMENT.items() if name != "ResponseURL"}


def test_what_a_function_could_not_do_is_no_message_of_a_model(world: World) -> None:
    fail(world, {"model": "m"})
    assert balance(world.ledger.books("m")).dead_lettered == 0


def test_an_end_that_people_could_not_be_told_of_is_told_now(world: World) -> None:
    assert fail(world, ENDED) == ("told of 1 executions that ended when people could not be told",)
    subject, text = world.notices.published[0]
    assert subject == "dev: execution m-1-1 FAILED"
    assert text == "execution m-1-1 ended as FAILED. ReleaseFailed no table"
    assert world.ledger.parked() == ()


def test_while_nobody_can_be_told_the_letter_stays_and_with_it_the_alarm(world: World) -> None:
    world.notices.broken = True
    world.failures.letters = {"f": json.dumps(ENDED)}
    with pytest.raises(ConnectionError):
        world.reconcile()
    assert world.failures.letters == {"f": json.dumps(ENDED)}
    world.notices.broken = False
    world.reconcile()
    assert world.failures.letters == {}
    assert [text.count("m-1-1") for _, text in world.notices.published[:1]] == [1]


def test_a_letter_that_was_parked_before_the_reconciler_died_is_taken_off_by_the_next_one(world: World) -> None:
    fail(world, DEPLOYMENT)
    assert fail(world, DEPLOYMENT) == ()
    assert len(world.ledger.parked()) == 1
