"""The crash matrix: whoever makes a side effect is killed before and after it, and the end is the same each time."""

from __future__ import annotations

from functools import cache
from typing import Final

import pytest

from tests.unit.proofs.asl import Execution, tasks
from tests.unit.proofs.effects import Moment
from tests.unit.proofs.story import BOOSTED, TUNED, Ending, tell
from tests.unit.proofs.universe import Universe

MACHINES: Final = ("retrain", "rollout")
WORK: Final = (
    "Validate",
    "Validate many",
    "Create model",
)  # states that come after everything of the dead one is taken
type Place = tuple[str, str, int]
"""A machine, one of its states, and the number of the side effect within the call that this state makes."""


@cache
def undisturbed() -> tuple[Ending, dict[Place, str]]:
    """How the story ends by itself, and every side effect that its states make on the way."""
    effects: dict[Place, str] = {}

    def note(universe: Universe, execution: Execution) -> None:
        machine, state = execution.machine, execution.at
        universe.effects.clear()
        universe.step(execution)
        for number, name in enumerate(universe.effects.made, start=1):
            effects.setdefault((machine, state, number), name)

    return Ending.of(tell(note)), effects


def crash(place: Place, moment: Moment, *, dies: bool) -> Ending:
    """The story with a kill: of the function that the state calls, or with `dies` of the whole execution as well."""
    machine, state, number = place
    struck: list[str] = []

    def strike(universe: Universe, execution: Execution) -> None:
        due = not struck and (execution.machine, execution.at) == (machine, state)
        if due:
            universe.effects.set_fuse(number, moment)
        universe.step(execution)
        if due and universe.effects.fuse is None:
            struck.append(execution.arn)
            if dies:
                universe.kill(execution)
        universe.effects.clear()

    ending = Ending.of(tell(strike))
    assert struck
    return ending


def stall(place: Place, make: type[Universe] = Universe) -> Ending:
    """The story with a zombie: held up before a side effect until its execution is dead and an heir has its work."""
    machine, state, number = place
    struck: list[str] = []

    def strike(universe: Universe, execution: Execution) -> None:
        if struck or (execution.machine, execution.at) != (machine, state):
            universe.step(execution)
            return

        def meanwhile() -> None:
            struck.append(execution.arn)
            universe.kill(execution)
            universe.reconcile()
            _let_heir_begin(universe, machine)
            universe.expect_no_write_of(execution)

        universe.effects.clear()
        universe.effects.pause = (number, meanwhile)
        universe.step(execution)
        universe.stop_expecting()
        universe.effects.clear()

    ending = Ending.of(tell(strike, make=make))
    assert struck
    return ending


def _let_heir_begin(universe: Universe, machine: str) -> None:
    """Until it has what the dead one had."""
    for message in list(universe.queue):
        universe.deliver(message)
    for heir in universe.executions.live:
        while heir.running and heir.machine == machine and heir.state not in WORK:
            universe.step(heir)


def places(*, functions: bool = False) -> list[Place]:
    """Where side effects are made; with `functions` only those of functions: SageMaker itself is not killed."""
    found = undisturbed()[1]
    return [place for place, name in found.items() if not functions or name[0].isupper()]


def test_every_state_that_calls_something_is_in_the_crash_matrix() -> None:
    """A state that is added is in the matrix by itself; these are the ones that the story goes by on purpose."""
    reached = {place[:2] for place in places()}
    calling = {
        (machine, name)
        for machine in MACHINES
        for name, state in tasks(machine).items()
        if "describe" not in state["Resource"]
    }
    assert reached <= calling
    assert calling - reached == {
        ("retrain", "Release failed run"),
        ("retrain", "Tune"),  # below
        ("retrain", "Shard"),
        ("retrain", "Boost"),
        ("retrain", "Assemble"),
        ("rollout", "Delete endpoint"),
        ("rollout", "Finish failed rollout"),
        ("rollout", "Finish refused rollout"),
        ("rollout", "Roll back"),
        ("rollout", "Check rollout"),  # it only looks
        ("rollout", "Check trial"),
        ("rollout", "Abandon trial endpoint"),
        ("rollout", "Create instance config"),  # as those for serverless ones
        ("rollout", "Create challenger model"),  # see test_ab_tests.py
        ("rollout", "Create shadow config"),
        ("rollout", "Update instances"),
        ("rollout", "Watch shift"),
        ("rollout", "Hold scaling"),
        ("rollout", "Set scaling"),
        ("rollout", "Clean up"),  # nothing has to go yet; see test_rollbacks.py
    }


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("place", places(functions=True), ids=lambda place: f"{place[0]}-{place[1]}-{place[2]}")
def test_a_function_that_is_killed_at_a_side_effect_changes_nothing_of_the_end(place: Place, moment: Moment) -> None:
    assert crash(place, moment, dies=False) == undisturbed()[0]


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("place", places(), ids=lambda place: f"{place[0]}-{place[1]}-{place[2]}")
def test_an_execution_that_dies_at_a_side_effect_changes_nothing_of_the_end(place: Place, moment: Moment) -> None:
    assert crash(place, moment, dies=True) == undisturbed()[0]


def test_an_execution_that_dies_while_it_searches_leaves_the_search_to_its_heir() -> None:
    """No second tuning job, and no second model."""
    struck: list[str] = []

    def strike(universe: Universe, execution: Execution) -> None:
        due = not struck and execution.at == "Tune"
        universe.step(execution)
        if due:
            struck.append(execution.arn)
            universe.kill(execution)

    searched = (TUNED, TUNED)
    ending = Ending.of(tell(strike, dooms=searched))
    assert struck
    assert ending == Ending.of(tell(dooms=searched))
    assert (ending.searches, ending.jobs) == (2, 2)


@pytest.mark.parametrize("state", ["Shard", "Boost", "Assemble"])
def test_an_execution_that_dies_while_instances_learn_leaves_their_booster_to_its_heir(state: str) -> None:
    """No second training of the same, on one machine or on several; only shards are laid out again."""
    struck: list[str] = []

    def strike(universe: Universe, execution: Execution) -> None:
        due = not struck and execution.at == state
        universe.step(execution)
        if due:
            struck.append(execution.arn)
            universe.kill(execution)

    boosted = (BOOSTED, BOOSTED)
    ending = Ending.of(tell(strike, dooms=boosted))
    assert struck
    assert ending == Ending.of(tell(dooms=boosted))
    assert (ending.boosts, ending.jobs) == (2, 2)


@pytest.mark.parametrize("place", places(functions=True), ids=lambda place: f"{place[0]}-{place[1]}-{place[2]}")
def test_a_zombie_that_comes_to_a_side_effect_late_changes_nothing_of_the_end(place: Place) -> None:
    assert stall(place) == undisturbed()[0]
