"""The fault matrix: every state meets every class of error, once and again and again, and nothing is ever stuck."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

import pytest

from retide.domain.events import retrain_message
from retide.domain.ledger import Cause
from retide.domain.record import UNFINISHED
from tests.unit.proofs.asl import Execution, TaskError, tasks
from tests.unit.proofs.invariants import Watch, fuse_is_blown
from tests.unit.proofs.story import BOOSTED, INSTANCES, TESTED, TUNED, Ending, tell
from tests.unit.proofs.universe import LAMBDA, Universe

type Place = tuple[str, str]
DOOMS: Final = (
    ("", ""),
    ("wrong", ""),
    ("sick", ""),
    ("", "wrong"),
    ("", "turned"),
    ("damaged", ""),
    (TUNED, TUNED),
    (BOOSTED, BOOSTED),
    (INSTANCES, ""),
    (TESTED, TESTED),
)
"""Versions that are no good, and ones with a tuning job, boosted, on instances or in an A/B test, for more states."""

CLASSES: Final[Mapping[str, tuple[str, str]]] = {
    "throttling": ("Lambda.TooManyRequestsException", "SageMaker.ThrottlingException"),
    "capacity": ("Lambda.ServiceException", "States.TaskFailed"),
    "quota": ("Lambda.TooManyRequestsException", "SageMaker.ResourceLimitExceededException"),
    "service": ("Lambda.AWSLambdaException", "SageMaker.AmazonSageMakerException"),
    "timeout": ("Sandbox.Timedout", "States.Timeout"),
    "killed": ("Runtime.ExitError", "SageMaker.SdkClientException"),
    "passing": ("TransientError", "SageMaker.SdkClientException"),
    "validation": ("ValueError", "SageMaker.SageMakerException"),
    "unknown": ("Surprise", "SageMaker.Surprise"),
}
"""Errors as functions and SageMaker's integrations name them."""

TAKEN: Final = "SageMaker.ResourceInUseException"
LEADS: Final[Mapping[Place, tuple[Place, str]]] = {
    ("retrain", "Release failed run"): (("retrain", "Gate"), "Surprise"),
    ("retrain", "Adopt training job"): (("retrain", "Train"), TAKEN),
    ("retrain", "Adopt tuning job"): (("retrain", "Tune"), TAKEN),
    ("retrain", "Adopt sharding job"): (("retrain", "Shard"), TAKEN),
    ("retrain", "Adopt boosting job"): (("retrain", "Boost"), TAKEN),
    ("retrain", "Adopt evaluation job"): (("retrain", "Evaluate"), TAKEN),
    ("retrain", "Adopt judging job"): (("retrain", "Judge object"), TAKEN),
    ("rollout", "Adopt model"): (("rollout", "Create model"), TAKEN),
    ("rollout", "Adopt challenger model"): (("rollout", "Create challenger model"), TAKEN),
    ("rollout", "Adopt endpoint config"): (("rollout", "Create endpoint config"), TAKEN),
    ("rollout", "Adopt trial endpoint"): (("rollout", "Create trial endpoint"), TAKEN),
    ("rollout", "Abandon trial endpoint"): (("rollout", "Describe trial"), "SageMaker.Surprise"),
    ("rollout", "Finish failed rollout"): (("rollout", "Describe endpoint"), "SageMaker.Surprise"),
}
"""States that only an error leads to: where that strikes first, once what was called there is done, and its name."""

CAUSES: Final = {"capacity": '{"TrainingJobStatus": "Failed", "FailureReason": "CapacityError: no instance"}'}
AGAIN: Final = 25  # times that an error comes again and again: more than any state tries


@cache
def reached(dooms: tuple[str, str]) -> frozenset[Place]:
    return frozenset(
        (execution.machine, state)
        for execution in tell(dooms=dooms).executions.known.values()
        for state in execution.history
    )


def places() -> Iterator[tuple[Place, tuple[str, str]]]:
    """Every state that calls something, with a story that leads to it."""
    for machine in ("retrain", "rollout"):
        for name in tasks(machine):
            met = LEADS[machine, name][0] if (machine, name) in LEADS else (machine, name)
            yield (machine, name), next(dooms for dooms in DOOMS if met in reached(dooms))


def test_every_state_that_calls_something_is_met_by_errors() -> None:
    """By themselves or, where nothing but another error leads there, by that one."""
    assert {place for place, dooms in places() if place not in reached(dooms)} == set(LEADS)


class Trouble:
    """Raises an error instead of what a state calls, so many times."""

    def __init__(self, place: Place, kind: str, times: int) -> None:
        self.place, self.kind, self.left = place, kind, times
        self.lead = LEADS.get(place)
        self.struck = 0

    def step(self, universe: Universe, execution: Execution) -> None:
        place = (execution.machine, execution.at)
        if place == self.place and self.left:
            execution.step(self._raise)
            universe.collect()
        elif self.lead and place == self.lead[0]:
            name, self.lead = self.lead[1], None
            execution.step(lambda resource, parameters: self._raise_late(universe, resource, parameters, name))
            universe.collect()
        else:
            universe.step(execution)

    def _raise_late(self, universe: Universe, resource: str, parameters: Any, name: str) -> Any:
        universe.call(resource, parameters)
        raise TaskError(name, "an error that leads on")

    def _raise(self, resource: str, _parameters: Any) -> Any:
        self.left -= 1
        self.struck += 1
        raise TaskError(CLASSES[self.kind][resource != LAMBDA], CAUSES.get(self.kind, f"a {self.kind} error"))


@pytest.mark.parametrize("times", [1, AGAIN], ids=["once", "again and again"])
@pytest.mark.parametrize("kind", CLASSES)
@pytest.mark.parametrize(("place", "dooms"), list(places()), ids=lambda value: "-".join(filter(None, value)))
def test_an_error_ends_in_success_or_in_a_failure_that_somebody_is_told_of(
    place: Place, dooms: tuple[str, str], kind: str, times: int
) -> None:
    """The story itself looks at the invariants: nothing is lost, nothing twice, no lease held, all at rest."""
    universe = trouble_told(Trouble(place, kind, times), dooms)

    assert Ending.of(universe) == ending(dooms) or told(universe)


def test_where_runs_died_before_they_claimed_anything_whoever_asks_gets_all_that_waited() -> None:
    universe = trouble_told(Trouble(("retrain", "Claim"), "unknown", AGAIN), DOOMS[0])
    assert fuse_is_blown(universe, "m")
    assert len(universe.ledger.waiting("m").objects) == len(universe.ledger.objects("m"))

    for number in range(AGAIN):
        if not universe.ledger.waiting("m"):
            break
        universe.deliver(universe.post(retrain_message("m", Cause.PERSON, "mended", f"mended-{number}")))
        Watch(universe).rest()

    assert {item.key: item.state.value for item in universe.ledger.objects("m")} == ending(DOOMS[0]).objects


def trouble_told(trouble: Trouble, dooms: tuple[str, str]) -> Universe:
    """The story with trouble in it."""
    universe = tell(trouble.step, dooms)
    assert trouble.struck
    return universe


@cache
def ending(dooms: tuple[str, str]) -> Ending:
    return Ending.of(tell(dooms=dooms))


def told(universe: Universe) -> bool:
    """Whether people were told of every run and every rollout whose record says that it did not succeed.

    Or that none is started any more, because they died before they had claimed anything.
    """
    said = " ".join(f"{subject} {text}" for subject, text in universe.notices.published).replace(
        "m: version", "m version"
    )
    failed = [f"run {run.run}" for run in universe.ledger.runs("m") if run.outcome in UNFINISHED]
    failed += [f"m version {end.version}" for end in universe.ledger.releases("m") if end.verdict == "failed"]
    return bool(failed or fuse_is_blown(universe, "m")) and all(name in said for name in failed)
