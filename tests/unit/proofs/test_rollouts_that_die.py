"""A rollout that dies before or after any state of its machine ends promoted or rolled back, and never between."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Final

import pytest

from tests.unit.proofs.asl import Execution, TaskError, definition
from tests.unit.proofs.story import INSTANCES, TESTED, Ending, tell
from tests.unit.proofs.universe import Universe

type Story = tuple[str, str]
STORIES: Final[tuple[Story, ...]] = (
    ("", ""),
    (INSTANCES, ""),
    ("", "turned"),
    (INSTANCES, "turned"),
    (INSTANCES, "sick"),
    ("", "wrong"),
    ("wrong", ""),
    ("sick", ""),
    ("damaged", ""),
    (TESTED, TESTED),
)
"""What is wrong with the first and with the second version, and on what both are served; the last is an A/B test."""

TAKEN: Final = "SageMaker.ResourceInUseException"
SURPRISE: Final = "Surprise"
LEADS: Final[Mapping[str, tuple[str, str]]] = {
    "Adopt model": ("Create model", TAKEN),
    "Adopt challenger model": ("Create challenger model", TAKEN),
    "Adopt endpoint config": ("Create endpoint config", TAKEN),
    "Adopt trial endpoint": ("Create trial endpoint", TAKEN),
    "Abandon trial endpoint": ("Describe trial", SURPRISE),
    "Trial not checked": ("Check trial", SURPRISE),
    "Not checked": ("Check rollout", SURPRISE),
    "Not rolled back": ("Roll back", SURPRISE),
    "Finish failed rollout": ("Describe endpoint", SURPRISE),
    "Not promoted": ("Describe endpoint", SURPRISE),
}
"""States that only an error leads to: the state in which it strikes, and its name."""

IDLE: Final = {
    "Waiting for quota",  # these do nothing, and come when everything is done
    "Prepare failed",
    "Finish failed",
    "Not deleted",  # SageMaker says of an endpoint that it deletes that it does anything else
    "Still deleting?",  # only chooses, where an endpoint takes its time to go: here it is gone at once
}


@cache
def reached(story: Story) -> frozenset[str]:
    executions = tell(dooms=story).executions.known.values()
    return frozenset(state for each in executions if each.machine == "rollout" for state in each.history)


@cache
def ending(story: Story) -> Ending:
    return Ending.of(tell(dooms=story))


def places() -> list[tuple[Story, str]]:
    """Every state of the machine in each kind of story that leads to it: on serverless endpoints, and on instances."""
    found = []
    for state in definition("rollout")["States"]:
        met = LEADS.get(state, (state, ""))[0]
        stories = [story for story in STORIES if met in reached(story)]
        for instances in (False, True):
            found += [(story, state) for story in stories if (INSTANCES in story) is instances][:1]
    return found


def test_every_state_of_the_machine_is_in_the_matrix() -> None:
    assert set(definition("rollout")["States"]) - {state for _, state in places()} == IDLE


@pytest.mark.parametrize("moment", ["before", pytest.param("after", marks=pytest.mark.nightly)])
@pytest.mark.parametrize(
    ("story", "state"), places(), ids=lambda value: value if isinstance(value, str) else " then ".join(value)
)
def test_a_rollout_that_dies_ends_as_one_that_lives(story: Story, state: str, moment: str) -> None:
    """After a state is before the next one: only where two lead to the same does that kill once more."""
    struck: list[str] = []
    lead = LEADS.get(state)

    def strike(universe: Universe, execution: Execution) -> None:
        nonlocal lead
        here = execution.machine == "rollout" and not struck
        if here and lead and execution.at == lead[0]:
            name, lead = lead[1], None
            execution.step(lambda resource, parameters: fail_late(universe, resource, parameters, name))
            universe.collect()
            return
        due = here and not lead and execution.at == state
        if not (due and moment == "before"):
            universe.step(execution)
        if due:
            struck.append(execution.arn)
            if execution.running:
                universe.kill(execution)

    universe = tell(strike, story)
    assert struck
    assert Ending.of(universe) == ending(story)
    assert Ending.of(universe).answers is (ending(story).version > 0)


def fail_late(universe: Universe, resource: str, parameters: object, name: str) -> object:
    """What was called is done, and its answer is an error."""
    universe.call(resource, parameters)  # type: ignore[arg-type]
    raise TaskError(name, "an error that leads on")
