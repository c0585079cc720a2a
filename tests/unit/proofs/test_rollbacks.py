"""A person goes back to the version before: killed anywhere on the way, it is served in the end."""

from __future__ import annotations

from typing import Final

import pytest

from retide.domain.events import rollback_message
from retide.ports import Status
from tests.unit.proofs.asl import Execution
from tests.unit.proofs.effects import Moment
from tests.unit.proofs.invariants import Watch
from tests.unit.proofs.story import Ending, tell
from tests.unit.proofs.universe import Universe

MOST: Final = 9
"""More effects than a rollback has; see the first test."""


def rolled_back(nth: int = 0, moment: Moment = "before", *, dies: bool = False) -> tuple[Universe, bool]:
    """Version 2 is taken back, and whoever makes the nth effect is killed; whether there was one."""
    universe = tell()
    message = universe.post(rollback_message("m", 2, 1, "it hurts", "k1"))
    watch = Watch(universe)
    watch.look()
    universe.effects.clear()
    if nth:
        universe.effects.set_fuse(nth, moment)
    universe.deliver(message)
    while universe.executions.live:
        for execution in universe.executions.live:
            universe.step(execution)
            if nth and dies and universe.effects.fuse is None and execution.running:
                universe.kill(execution)
            watch.look()
    struck = bool(nth) and universe.effects.fuse is None
    watch.rest()
    return universe, struck


def expect_version_1(universe: Universe) -> None:
    stands = universe.ledger.endpoint("m")
    assert (stands.version, stands.withdrawn, stands.owner) == (1, (2,), None)
    assert universe.sagemaker.endpoints["retide-dev-m"].config == stands.config
    champion = universe.ledger.head("m").champion
    assert champion
    assert champion.version == 1
    assert universe.registry.packages[1].status is Status.REJECTED


def test_a_rollback_serves_the_version_before_and_says_why() -> None:
    universe, _ = rolled_back()
    expect_version_1(universe)
    assert universe.ledger.releases("m")[-1].version == 2
    assert universe.ledger.releases("m")[-2].reason.endswith(
        "it takes the place of version 2, which was withdrawn: it hurts"
    )


@pytest.mark.parametrize("dies", [False, True])
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("nth", range(1, MOST))
def test_a_rollback_that_is_killed_at_any_side_effect_ends_as_one_that_is_not(
    nth: int, moment: Moment, dies: bool
) -> None:
    expect_version_1(rolled_back(nth, moment, dies=dies)[0])


@pytest.mark.parametrize("dies", [False, True])
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("nth", [1, 2])
def test_a_cleaning_that_is_killed_takes_away_the_same_in_the_end(nth: int, moment: Moment, dies: bool) -> None:
    """Of a second version that is no good: its config and its model."""
    struck: list[str] = []

    def strike(universe: Universe, execution: Execution) -> None:
        due = not struck and execution.at == "Clean up" and execution.data["version"] == 2
        if due:
            universe.effects.set_fuse(nth, moment)
        universe.step(execution)
        if due and universe.effects.fuse is None:
            struck.append(execution.arn)
            if dies:
                universe.kill(execution)
        universe.effects.clear()

    universe = tell(strike, dooms=("", "wrong"))
    assert struck
    assert Ending.of(universe) == Ending.of(tell(dooms=("", "wrong")))
    assert list(universe.sagemaker.configs) == list(universe.sagemaker.models) == [universe.ledger.endpoint("m").config]
