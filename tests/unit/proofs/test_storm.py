"""Storms and bursts: ten thousand deliveries, a batch of five hundred files, fifty approvals at once."""

from __future__ import annotations

import random
from collections import Counter
from typing import Final

from retide.domain.ledger import ObjectState
from retide.ports import Machine, Status
from tests.unit.proofs.asl import Execution
from tests.unit.proofs.invariants import Watch
from tests.unit.proofs.universe import Message, Universe

MODELS: Final = ("ash", "birch", "cedar", "elm", "fir")


def runs(universe: Universe, model: str = "m") -> list[str]:
    return [run.run for run in universe.ledger.runs(model)]


def live(universe: Universe, machine: Machine) -> list[Execution]:
    return [execution for execution in universe.executions.live if execution.machine == machine]


def rested(universe: Universe) -> None:
    Watch(universe, often=False).rest()


def until(universe: Universe, execution: Execution, state: str) -> None:
    """Run an execution until it is about to enter a state."""
    while execution.state != state:
        universe.step(execution)


def test_ten_thousand_shuffled_deliveries_of_a_thousand_versions_are_a_thousand_objects() -> None:
    universe, chance = Universe(models=MODELS, policy={"runs_per_day": 1000}), random.Random(1)
    messages = [
        universe.put(f"incoming/{MODELS[n % 5]}/{n % 400}.csv", f"{'bad' if n % 50 == 0 else 'good'} {n}".encode())
        for n in range(1000)
    ]
    deliveries = messages * 10
    chance.shuffle(deliveries)

    for start in range(0, len(deliveries), 10):
        assert not universe.deliver_batch(deliveries[start : start + 10]).failed
        for execution in universe.executions.live[:2]:
            universe.step(execution)
    universe.queue = [message for message in universe.queue if message not in messages]
    rested(universe)

    states = Counter(item.state for model in MODELS for item in universe.ledger.objects(model))
    assert states == {ObjectState.ACCEPTED: 980, ObjectState.QUARANTINED: 20}
    verdicts = Counter(
        (model, end.version) for model in MODELS for end in universe.ledger.releases(model) if end.verdict == "promoted"
    )
    assert verdicts
    assert set(verdicts.values()) == {1}
    assert len(universe.sagemaker.jobs) <= sum(len(runs(universe, model)) for model in MODELS) < 100


def test_a_batch_of_five_hundred_files_is_one_run_and_none_before_its_marker() -> None:
    universe = Universe()
    files = [universe.put(f"incoming/m/day/{n}.csv", f"good {n}".encode()) for n in range(500)]
    random.Random(2).shuffle(files)

    for message in files:
        universe.deliver(message)
    assert universe.executions.known == {}
    universe.deliver(universe.put("incoming/m/day/_SUCCESS", b""))
    rested(universe)

    assert len(runs(universe)) == 1
    assert len(universe.ledger.runs("m")[0].objects) == 500


def test_a_hundred_arrivals_during_a_run_start_one_successor_that_holds_them_all() -> None:
    universe = Universe()
    universe.deliver(universe.put("incoming/m/first.csv", b"good"))
    (run,) = universe.executions.live
    until(universe, run, "Train")

    for n in range(100):
        universe.deliver(universe.put(f"incoming/m/{n}.csv", f"good {n}".encode()), once_more=n % 3 == 0)
    assert universe.executions.live == [run]
    rested(universe)

    first, second = universe.ledger.runs("m")
    assert (len(first.objects), len(second.objects)) == (1, 100)


def approved_packages(count: int) -> tuple[Universe, list[Message]]:
    """A universe in which so many versions wait for approval, and the approvals of all of them at once."""
    universe = Universe(policy={"approval": "manual", "runs_per_day": 1000})
    number = 0
    while len(pending(universe)) < count:
        universe.deliver(universe.put(f"incoming/m/{number}.csv", f"good {number}".encode()))
        number += 1
        while universe.executions.live or universe.queue:
            for message in list(universe.queue):
                universe.deliver(message)
            for execution in universe.executions.live:
                universe.step(execution)
    for arn in pending(universe):
        universe.registry.judge(arn, Status.APPROVED, "by hand")
    universe.collect()
    return universe, list(universe.queue)


def pending(universe: Universe) -> list[str]:
    return [package.arn for package in universe.registry.packages if package.status is Status.PENDING]


def test_of_fifty_approvals_at_once_one_is_rolled_out_at_a_time_and_the_newest_wins() -> None:
    universe, approvals = approved_packages(50)
    chance = random.Random(3)
    chance.shuffle(approvals)
    newest = max(
        package.version
        for package in universe.registry.packages
        if package.status is Status.APPROVED and package.facts["champion"] == "0"
    )

    for message in approvals:
        universe.deliver(message)
    while universe.executions.live:
        universe.step(chance.choice(universe.executions.live))
        assert universe.collisions == []
    rested(universe)

    served = [int(config.split("-v")[1].split("-")[0]) for _, config in universe.sagemaker.served]
    assert served == sorted(served)
    assert universe.ledger.endpoint("m").version == newest


def test_a_holder_of_the_lease_that_is_killed_is_taken_over_by_one_reconciliation_and_fenced() -> None:
    universe = Universe()
    universe.deliver(universe.put("incoming/m/a.csv", b"good"))
    (run,) = universe.executions.live
    until(universe, run, "Register")
    universe.orphan(run)

    universe.reconcile()
    (heir,) = live(universe, Machine.RETRAIN)
    until(universe, heir, "Register")
    universe.wake(universe.zombies[0])
    rested(universe)

    assert universe.seen["fenced zombie"] == 1
    assert len(universe.registry.packages) == 1
    assert len(universe.sagemaker.jobs) == 1
    assert [record.outcome for record in universe.ledger.runs("m")] == ["timed out", "approved"]
