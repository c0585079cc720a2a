"""Every guard is needed: taken out one at a time, each is missed by the proofs, which pass while all are there."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from retide.ledger import Ledger
from retide.ports import Check, Key, Operation, Put, When
from tests.fakes import FakeTable
from tests.unit.proofs.asl import Execution, Json, TaskError
from tests.unit.proofs.invariants import Watch
from tests.unit.proofs.sagemaker import ABSENT, SimSageMaker
from tests.unit.proofs.story import Ending, tell
from tests.unit.proofs.test_crashes import places, stall, undisturbed
from tests.unit.proofs.test_exactly_once import ExactlyOnce
from tests.unit.proofs.universe import SimExecutions, Universe


class Altered(FakeTable):
    """A view of another table, with operations altered on their way in."""

    def __init__(self, table: FakeTable) -> None:
        super().__init__()
        self.items, self._sorted = table.items, table._sorted

    def transact(self, *operations: Operation) -> None:
        kept = [altered for operation in operations if (altered := self.alter(operation)) is not None]
        if kept:
            super().transact(*kept)

    def alter(self, operation: Operation) -> Operation | None:
        return operation


class Forgetful(Altered):
    """Knows no object when it is asked, and puts it whether or not it is there."""

    def get(self, key: Key) -> Mapping[str, Any] | None:
        return None if key.sk.startswith("object#") else super().get(key)

    def get_many(self, keys: tuple[Key, ...]) -> tuple[Mapping[str, Any] | None, ...]:
        return tuple(map(self.get, keys))

    def alter(self, operation: Operation) -> Operation | None:
        if isinstance(operation, Put) and operation.key.sk.startswith(("object#", "message#")):
            return Put(operation.key, operation.values)
        return operation


class Unfenced(Altered):
    """Lets everybody write, whatever token they have."""

    def alter(self, operation: Operation) -> Operation | None:
        if isinstance(operation, Check) and "token" in operation.when.equals:
            return None
        if "token" in operation.when.equals and not isinstance(operation, Check):
            return type(operation)(**{**_fields(operation), "when": When()})
        return operation


class Pointerless(Altered):
    """Keeps objects and requests, but not the pointers that say what waits."""

    def alter(self, operation: Operation) -> Operation | None:
        return None if operation.key.sk.startswith(("pending#", "wanted#")) else operation


def _fields(operation: Any) -> Json:
    return {name: getattr(operation, name) for name in operation.__slots__}


class WithoutDeduplication(Universe):
    def ledger_of(self, step: str) -> Ledger:
        return self.ledger_over(Forgetful(self.table)) if step == "dispatch" else self.ledger


class WithoutFencing(Universe):
    def ledger_of(self, _step: str) -> Ledger:
        return self.ledger_over(Unfenced(self.table))


class WithoutPointers(Universe):
    def ledger_of(self, _step: str) -> Ledger:
        return self.ledger_over(Pointerless(self.table))


class NobodyRuns(SimExecutions):
    def running(self, _execution: str) -> bool:
        return False


class WithoutLease(Universe):
    """A lease is void at once: whoever wants it gets it."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.executions = NobodyRuns(self.clock)


class Unrecognised(SimSageMaker):
    def training_status(self, _name: str) -> str | None:
        return None

    def call(self, operation: str, parameters: Json) -> Any:
        if operation in ("describeModel", "describeEndpointConfig", "describeTrainingJob", "describeProcessingJob"):
            raise TaskError(ABSENT, "there is none")
        return super().call(operation, parameters)


class WithoutAdoption(Universe):
    """What a crash left behind is not recognised."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.sagemaker = Unrecognised(self.objects)


class WithoutReconciler(Universe):
    def reconcile(self) -> Any:
        return self.nothing()

    @staticmethod
    def nothing() -> Any:
        return type("Nothing", (), {"acts": ()})()


# ---------------------------------------------------------------- a few proofs of each kind


def in_any_order(make: type[Universe]) -> None:
    machine = type("Machine", (ExactlyOnce,), {"make": make})
    quick = settings(
        max_examples=60,
        stateful_step_count=40,
        deadline=None,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(seed(1)(machine), settings=quick)


def through_crashes(make: type[Universe]) -> None:
    """An execution dies right after a side effect that cannot be made twice."""
    for place in (("retrain", "Train"), ("retrain", "Release"), ("rollout", "Create model"), ("retrain", "Claim")):
        assert Ending.of(tell(_dying(place), make=make)) == Ending.of(tell())


def _dying(place: tuple[str, str]) -> Callable[[Universe, Execution], None]:
    struck: list[str] = []

    def step(universe: Universe, execution: Execution) -> None:
        due = not struck and (execution.machine, execution.at) == place
        universe.step(execution)
        if due:
            struck.append(execution.arn)
            universe.kill(execution)

    return step


def through_zombies(make: type[Universe]) -> None:
    """A function is held up in the middle, and goes on when its execution is dead and an heir has the lease."""
    for place in places(functions=True):
        assert stall(place, make) == undisturbed()[0]


def through_a_storm(make: type[Universe]) -> None:
    """Duplicates in any order while runs are under way, and two rollouts at once."""
    universe, chance = make(), random.Random(5)
    messages = [universe.put(f"incoming/m/{n}.csv", f"good {n}".encode()) for n in range(30)] * 4
    chance.shuffle(messages)
    watch = Watch(universe)
    for message in messages:
        universe.deliver(message, once_more=True)
        for execution in universe.executions.live:
            universe.step(execution)
        watch.look()
    universe.queue = [message for message in universe.queue if message not in messages]
    watch.rest()


PROOFS: Final = (in_any_order, through_crashes, through_zombies, through_a_storm)
MUTANTS: Final = (
    WithoutDeduplication,
    WithoutLease,
    WithoutFencing,
    WithoutPointers,
    WithoutAdoption,
    WithoutReconciler,
)


def missed(make: type[Universe]) -> list[str]:
    """The proofs that do not hold, by their names."""
    failed = []
    for proof in PROOFS:
        try:
            proof(make)
        except (AssertionError, BaseExceptionGroup) as error:
            failed.append(f"{proof.__name__}: {str(error).splitlines()[0]}")
    return failed


def test_with_all_guards_in_place_the_quick_proofs_hold() -> None:
    assert missed(Universe) == []


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_without_this_guard_the_quick_proofs_do_not_hold(mutant: type[Universe]) -> None:
    failed = missed(mutant)
    print("\n".join(failed))
    assert failed, f"nothing misses {mutant.__name__}"
