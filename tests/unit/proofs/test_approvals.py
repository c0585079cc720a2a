"""Approvals, killed and held up at every side effect: one decision counts, ledger and registry come to say the same."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from retide.domain.ledger import Approval, Means, Standing
from retide.ports import Status
from retide.steps.answer_link import LinkAnswer, Outcome
from retide.steps.links import Links
from retide.steps.settle_approval import STANDINGS
from tests.unit.proofs.effects import Killed, Moment
from tests.unit.proofs.invariants import Watch
from tests.unit.proofs.universe import Universe

EFFECTS = 5  # of one decision there are fewer; a fuse that is not reached kills nobody
EXPIRED = "dev: m version 1 rejected: nobody approved it"


def waiting() -> Universe:
    """A version that passed the gate, and a person must approve."""
    universe = Universe(policy={"approval": "manual"})
    universe.deliver(universe.put("incoming/m/a.csv", b"good"))
    while universe.executions.live:
        for execution in universe.executions.live:
            universe.step(execution)
    assert approval(universe).standing is Standing.AWAITING
    universe.notices.published.clear()
    universe.effects.clear()
    return universe


def approval(universe: Universe) -> Approval:
    found = universe.ledger.approval("m", 1)
    assert found
    return found


def links(universe: Universe) -> tuple[str, str]:
    """The tokens that approve and reject."""
    ports = universe._ports("m")
    lines = Links(ports["seals"], ports["url"], ports["stage"]).of("m", approval(universe), ports["contract"])
    approve, reject = (parse_qs(urlsplit(line.split()[-1]).query)["token"][0] for line in lines)
    return approve, reject


def follow(universe: Universe, token: str) -> LinkAnswer | None:
    """None where whoever answers is killed."""
    try:
        answer: LinkAnswer = universe.use("answer_link", {"token": token, "decide": True, "by": "192.0.2.1"})
    except Killed:
        return None
    universe.collect()
    return answer


def pass_days(universe: Universe, days: int) -> None:
    for _ in range(days):
        universe.pass_a_day()


def agreed(universe: Universe) -> Standing:
    """What counts in the end: at rest nothing is half done, and ledger and registry say the same."""
    universe.reconcile()
    Watch(universe).rest()
    found = approval(universe)
    assert not found.open
    assert STANDINGS[universe.registry.describe(found.package).status] is found.standing
    assert universe.reconcile().acts == ()
    return found.standing


def told(universe: Universe) -> int:
    return sum(subject == EXPIRED for subject, _ in universe.notices.published)


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("nth", range(1, EFFECTS + 1))
def test_an_expiry_that_is_killed_at_any_effect_is_completed_and_told_of(nth: int, moment: Moment) -> None:
    universe = waiting()
    pass_days(universe, 8)
    universe.effects.set_fuse(nth, moment)
    universe.reconcile()
    universe.effects.clear()
    assert agreed(universe) is Standing.REJECTED
    assert approval(universe).means is Means.EXPIRY
    assert told(universe) in (1, 2)


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("nth", range(1, EFFECTS + 1))
def test_a_link_whose_answer_is_killed_at_any_effect_works_when_it_is_followed_again(nth: int, moment: Moment) -> None:
    universe = waiting()
    approve, _ = links(universe)
    universe.effects.set_fuse(nth, moment)
    follow(universe, approve)
    universe.effects.clear()
    again = follow(universe, approve)
    assert again
    assert again.outcome in {Outcome.DECIDED, Outcome.KNOWN}
    assert agreed(universe) is Standing.APPROVED
    assert universe.ledger.endpoint("m").version == 1


@pytest.mark.parametrize("nth", range(1, EFFECTS + 1))
def test_of_a_link_and_the_clock_at_the_same_time_one_wins_and_the_other_is_told(nth: int) -> None:
    """The link is followed in its last moment, and held up before an effect of it while the approval expires."""
    universe = waiting()
    approve, _ = links(universe)

    def expire() -> None:
        pass_days(universe, 8)
        universe.reconcile()

    universe.effects.clear()
    universe.effects.pause = (nth, expire)
    answer = follow(universe, approve)
    universe.effects.pause = None
    assert answer
    won = agreed(universe)
    assert answer.stands
    assert (answer.outcome is Outcome.DECIDED) == (won is Standing.APPROVED)
    assert answer.stands.standing is won
    assert told(universe) == (won is Standing.REJECTED)


@pytest.mark.parametrize("nth", range(1, EFFECTS + 1))
def test_of_two_links_at_the_same_time_one_wins_and_the_other_is_told(nth: int) -> None:
    universe = waiting()
    approve, reject = links(universe)
    answers: list[LinkAnswer | None] = []
    universe.effects.clear()
    universe.effects.pause = (nth, lambda: answers.append(follow(universe, reject)))
    answers.append(follow(universe, approve))
    universe.effects.pause = None
    answers += [follow(universe, reject)] if len(answers) == 1 else []
    assert sorted(answer.outcome for answer in answers if answer) == [Outcome.DECIDED, Outcome.OVERTAKEN]
    won = agreed(universe)
    assert all(answer and answer.stands and answer.stands.standing is won for answer in answers)


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("nth", range(1, EFFECTS + 1))
def test_a_run_killed_while_it_asks_for_approval_asks_once(nth: int, moment: Moment) -> None:
    universe = Universe(policy={"approval": "manual"})
    universe.deliver(universe.put("incoming/m/a.csv", b"good"))
    struck = False
    while universe.executions.live:
        (execution,) = universe.executions.live
        if execution.state == "Register" and not struck:
            universe.effects.set_fuse(nth, moment)
            struck = True
        universe.step(execution)
    assert [one.standing for one in universe.ledger.approvals("m")] == [Standing.AWAITING]
    assert [package.status for package in universe.registry.packages] == [Status.PENDING]
