"""A challenger beside the champion: killed anywhere on the way, the test runs, ends, or its challenger takes over."""

from __future__ import annotations

from typing import Final

import pytest

from retide.domain.events import AbTestAsked, AbTestEnded, ab_end_message, ab_test_message, rollback_message
from retide.domain.ledger import AbTest
from retide.ports import Status
from tests.unit.proofs.asl import Execution
from tests.unit.proofs.effects import Moment
from tests.unit.proofs.invariants import Watch
from tests.unit.proofs.story import tried
from tests.unit.proofs.universe import Universe

ENDPOINT: Final = "retide-dev-m-instances"
TEST: Final = "t1"
BEGINNING: Final = 13
ENDING: Final = 30
"""The side effects of a beginning, and of an end with a promotion, which has all of one without: see the first test."""

CRASHES: Final = (
    ("after", True),
    pytest.param("after", False, marks=pytest.mark.nightly),
    pytest.param("before", True, marks=pytest.mark.nightly),
    pytest.param("before", False, marks=pytest.mark.nightly),
)
"""When who makes an effect is killed, and whether its execution dies with it."""


def asked(percent: int) -> AbTestAsked:
    return AbTestAsked("m", 1, 2, percent, "ada", "is it better?", TEST)


def ended(*, promote: bool) -> AbTestEnded:
    return AbTestEnded("m", TEST, promote, "ada", "seen enough", "k-end")


def run(universe: Universe, nth: int = 0, moment: Moment = "before", *, dies: bool = False) -> int:
    """Everything that is on its way comes, and whoever makes the nth effect is killed; how many effects there were."""
    watch = Watch(universe)
    universe.effects.clear()
    if nth:
        universe.effects.set_fuse(nth, moment)
    while universe.queue or universe.executions.live:
        for message in list(universe.queue):
            universe.deliver(message)
        for execution in universe.executions.live:
            universe.step(execution)
            if nth and dies and universe.effects.fuse is None and execution.running:
                universe.kill(execution)
                dies = False
            watch.look()
    made = len(universe.effects.made)
    universe.effects.clear()
    return made


def settle(universe: Universe) -> None:
    """The reconciler looks, as often as anything comes of it; no day passes."""
    for _ in range(12):
        universe.reconcile()
        for name in universe.sagemaker.endpoints:
            universe.sagemaker.pass_time(name)
        run(universe)


def begun(percent: int, nth: int = 0, moment: Moment = "before", *, dies: bool = False) -> Universe:
    universe = tried()
    universe.post(ab_test_message(asked(percent)))
    run(universe, nth, moment, dies=dies)
    settle(universe)
    return universe


def ab_test(universe: Universe) -> AbTest:
    found = universe.ledger.ab_test("m", TEST)
    assert found
    return found


def variants(universe: Universe) -> dict[str, str]:
    """What the endpoint serves by the names of its variants, shadows included: the version."""
    made = universe.sagemaker.configs[universe.sagemaker.endpoints[ENDPOINT].config]
    found = (*made["ProductionVariants"], *made.get("ShadowProductionVariants", ()))
    return {one["VariantName"]: one["ModelName"].rpartition("-v")[2].partition("-")[0] for one in found}


def expect_running(universe: Universe, name: str) -> None:
    stands = universe.ledger.endpoint("m")
    assert (stands.version, stands.ab_test, stands.ab_serving, stands.owner) == (1, TEST, TEST, None)
    assert variants(universe) == {"AllTraffic": "1", name: "2"}
    assert universe.sagemaker.endpoints[ENDPOINT].config == stands.config
    assert universe.registry.packages[1].status is Status.PENDING
    assert ab_test(universe).began_at


def expect_alone(universe: Universe, version: int, outcome: str) -> None:
    stands = universe.ledger.endpoint("m")
    assert (stands.version, stands.ab_test, stands.ab_serving, stands.owner) == (version, "", "", None)
    assert variants(universe) == {"AllTraffic": str(version)}
    assert universe.sagemaker.endpoints[ENDPOINT].config == stands.config
    assert ab_test(universe).outcome == outcome


@pytest.mark.parametrize(("percent", "name"), [(10, "Challenger"), (0, "Shadow")])
def test_a_challenger_answers_beside_the_champion(percent: int, name: str) -> None:
    universe = begun(percent)
    expect_running(universe, name)
    Watch(universe).look()


def test_every_side_effect_of_a_test_is_among_those_at_which_it_is_killed() -> None:
    universe = tried()
    universe.post(ab_test_message(asked(10)))
    assert run(universe) == BEGINNING
    universe.post(ab_end_message(ended(promote=True)))
    assert run(universe) == ENDING


@pytest.mark.parametrize(("moment", "dies"), CRASHES)
@pytest.mark.parametrize("nth", range(1, BEGINNING + 1))
def test_a_test_whose_beginning_is_killed_at_any_side_effect_runs_all_the_same(
    nth: int, moment: Moment, dies: bool
) -> None:
    expect_running(begun(10, nth, moment, dies=dies), "Challenger")


@pytest.mark.parametrize(("moment", "dies"), CRASHES)
@pytest.mark.parametrize("nth", range(1, ENDING + 1))
@pytest.mark.parametrize("promote", [pytest.param(False, marks=pytest.mark.nightly), True])
def test_a_test_whose_end_is_killed_at_any_side_effect_ends_all_the_same(
    nth: int, moment: Moment, dies: bool, promote: bool
) -> None:
    universe = begun(10)
    universe.post(ab_end_message(ended(promote=promote)))
    run(universe, nth, moment, dies=dies)
    settle(universe)
    expect_alone(universe, 2 if promote else 1, "promoted" if promote else "stopped")
    assert universe.registry.packages[1].status is (Status.APPROVED if promote else Status.PENDING)


def test_a_winner_comes_to_a_champion_that_serves_alone_so_that_traffic_can_move_in_steps() -> None:
    universe = begun(10)
    before = len(universe.sagemaker.served)
    universe.post(ab_end_message(ended(promote=True)))
    run(universe)
    served = [config.rpartition("-v")[2][0] for _, config in universe.sagemaker.served[before:]]
    assert served == ["1", "2"]
    assert "Update instances" in list(universe.executions.known.values())[-1].history


def test_a_challenger_that_is_approved_by_anybody_ends_the_test_as_its_winner() -> None:
    universe = begun(10)
    universe.registry.judge(universe.registry.packages[1].arn, Status.APPROVED, "enough")
    universe.collect()
    run(universe)
    settle(universe)
    expect_alone(universe, 2, "promoted")


def test_a_challenger_that_is_rejected_answers_nobody_any_more() -> None:
    universe = begun(10)
    universe.registry.judge(universe.registry.packages[1].arn, Status.REJECTED, "no")
    settle(universe)
    expect_alone(universe, 1, "stopped")


@pytest.mark.parametrize("doom", ["sick", "wrong"])
def test_a_challenger_that_is_no_good_leaves_the_champion_as_it_was(doom: str) -> None:
    """Its own rollout would find the same; against the champion it says nothing."""
    universe = tried()
    before = universe.ledger.endpoint("m")
    universe.sagemaker.doom = "sick" if doom == "sick" else ""
    universe.post(ab_test_message(asked(10)))
    while not (rollout := _current(universe)) or rollout.at != "Create challenger model":
        _one_step(universe)
    if doom == "wrong":
        universe.sagemaker.wrong.add(rollout.data["rollout"]["challenger"]["name"])
    run(universe)
    stands = universe.ledger.endpoint("m")
    assert (stands.version, stands.withdrawn, stands.ab_test) == (1, (), "")
    assert variants(universe) == {"AllTraffic": "1"}
    assert stands.config == before.config == universe.sagemaker.endpoints[ENDPOINT].config
    assert ab_test(universe).outcome == "failed"
    assert ("challenger, version 2: golden record 0" in ab_test(universe).why) is (doom == "wrong")
    assert universe.notices.published[-1][0] == "dev: m version 1: its A/B test did not begin (rolled back)"


def _current(universe: Universe) -> Execution | None:
    return next(iter(universe.executions.live), None)


def _one_step(universe: Universe) -> None:
    for message in list(universe.queue):
        universe.deliver(message)
    for execution in universe.executions.live:
        universe.step(execution)


def test_a_rollback_during_a_test_ends_it_and_the_version_before_serves_alone() -> None:
    universe = begun(10)
    universe.post(ab_end_message(ended(promote=True)))
    run(universe)
    universe.post(rollback_message("m", 2, 1, "it hurts", "k1"))
    run(universe)
    settle(universe)
    stands = universe.ledger.endpoint("m")
    assert (stands.version, stands.ab_serving) == (1, "")
    assert variants(universe) == {"AllTraffic": "1"}


def test_what_an_ended_test_leaves_behind_is_cleaned_up_by_the_next_rollout() -> None:
    universe = begun(10)
    alone = universe.ledger.releases("m")[0].config
    universe.post(ab_end_message(ended(promote=True)))
    run(universe)
    assert set(universe.sagemaker.configs) == {alone, universe.ledger.endpoint("m").config}
    assert set(universe.sagemaker.models) == set(universe.sagemaker.configs)


def test_a_test_that_is_asked_for_twice_is_begun_once() -> None:
    universe = begun(10)
    rollouts = len(universe.executions.known)
    universe.post(ab_test_message(asked(10)))
    run(universe)
    expect_running(universe, "Challenger")
    began = [
        execution
        for execution in list(universe.executions.known.values())[rollouts:]
        if "Create model" in execution.history
    ]
    assert began == []
