"""Nothing twice, nothing lost: arrivals, kills, zombies, approvals and lost events in any order, I1 to I8 each time."""

from __future__ import annotations

import os
from collections import Counter
from itertools import count
from typing import Final

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from retide.domain.events import retrain_message, rollback_message
from retide.domain.ledger import Cause, ObjectRecord
from retide.ports import Status
from tests.unit.proofs.effects import Moment
from tests.unit.proofs.invariants import Watch
from tests.unit.proofs.universe import Universe

STEPS: Final = int(os.environ.get("RETIDE_PROOF_STEPS", "15000"))
NIGHTLY: Final = 1_000_000
"""How many steps of the world are to be seen: each is followed by a look at all invariants."""

SMALL: Final = st.integers(min_value=0, max_value=30)
REACHED: Final = {
    *("approved", "rejected", "awaiting approval", "unchanged", "quarantined", "empty", "died"),
    *("promoted", "failed", "superseded", "waiting"),
    *("killed function", "duplicate", "withdrawn"),
}
RARE: Final = {"kept", "rolled back", "rolled back by hand", "fenced zombie", "succession"}
"""What a search must have come by, to have looked at all; and a long one."""

SEARCH: Final = settings(
    max_examples=50,
    stateful_step_count=60,
    deadline=None,
    database=None,
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)
taken: Counter[str] = Counter()


class ExactlyOnce(RuleBasedStateMachine):
    """One stage with one model. Numbers are drawn small, and taken modulo what there is to choose from."""

    make: type[Universe] = Universe

    @initialize(approval=st.sampled_from(["automatic", "manual"]), most=st.sampled_from([3, 1000]))
    def begin(self, approval: str, most: int) -> None:
        self.universe = self.make(policy={"approval": approval, "runs_per_day": most})
        self.watch = Watch(self.universe)
        self.written: list[tuple[str, str]] = []

    @rule(name=st.sampled_from("abc"), folder=st.sampled_from(["", "", "", "day/"]), quality=SMALL)
    def a_file_is_written(self, name: str, folder: str, quality: int) -> None:
        """Often under a key that was used before, sometimes with content that came before, sometimes bad."""
        content = f"{'bad' if quality % 5 == 0 else 'good'} {quality % 12}".encode()
        key = f"incoming/m/{folder}{name}.csv"
        self.universe.put(key, content)
        self.written.append((key, self.universe.objects.versions[key][-1][0]))

    @rule()
    def a_marker_is_written(self) -> None:
        self.universe.put("incoming/m/day/_SUCCESS", b"")

    @precondition(lambda self: self.written)
    @rule(which=SMALL)
    def a_version_is_deleted(self, which: int) -> None:
        self.universe.erase(*self.written.pop(which % len(self.written)))

    @precondition(lambda self: self._copies())
    @rule(which=SMALL)
    def one_of_several_copies_is_deleted(self, which: int) -> None:
        copies = self._copies()
        copy = copies[which % len(copies)]
        self.universe.erase(copy.key, copy.version)

    @rule(key=st.sampled_from(["k1", "k2"]), cause=st.sampled_from([Cause.PERSON, Cause.CODE]))
    def somebody_asks(self, key: str, cause: Cause) -> None:
        self.universe.post(retrain_message("m", cause, "because", f"{cause}-{key}"))

    @precondition(lambda self: self.universe.queue)
    @rule(which=SMALL, once_more=st.booleans())
    def a_message_is_delivered(self, which: int, once_more: bool) -> None:
        """In any order, and as often as the queue likes."""
        message = self.universe.queue[which % len(self.universe.queue)]
        self.universe.deliver(message, once_more=once_more)
        self._look()

    @rule(count=st.integers(min_value=1, max_value=25), which=SMALL)
    def the_world_goes_on(self, count: int, which: int) -> None:
        """What runs goes on before anything is delivered, or only then."""
        for _ in range(count):
            live, queue = self.universe.executions.live, self.universe.queue
            if not live and not queue:
                return
            if live and (which % 3 or not queue):
                self.universe.step(live[which % len(live)])
            else:
                self.universe.deliver(queue[0])
            self._look()

    @rule(nth=st.integers(min_value=1, max_value=9), moment=st.sampled_from(["before", "after"]))
    def somebody_will_be_killed(self, nth: int, moment: Moment) -> None:
        self.universe.effects.set_fuse(nth, moment)

    @precondition(lambda self: self.universe.executions.live)
    @rule(which=SMALL, how=st.sampled_from(["TIMED_OUT", "ABORTED", "FAILED", "zombie", "zombie"]))
    def an_execution_dies(self, which: int, how: str) -> None:
        live = self.universe.executions.live
        execution = live[which % len(live)]
        if how == "zombie":
            self.universe.orphan(execution)
        else:
            self.universe.kill(execution, how)
        self._look()

    @precondition(lambda self: self.universe.zombies)
    @rule(which=SMALL)
    def a_zombie_writes(self, which: int) -> None:
        self.universe.wake(self.universe.zombies[which % len(self.universe.zombies)])
        self._look()

    @precondition(lambda self: self.universe.registry.packages)
    @rule(which=SMALL, status=st.sampled_from([Status.APPROVED, Status.APPROVED, Status.REJECTED]))
    def a_person_judges(self, which: int, status: Status) -> None:
        packages = self.universe.registry.packages
        package = packages[which % len(packages)]
        if package.status is not status:
            self.universe.registry.judge(package.arn, status, "by hand")
            self.universe.collect()
            self._look()

    @precondition(lambda self: self.universe.ledger.endpoint("m").version > 1)
    @rule(which=SMALL)
    def a_person_goes_back(self, which: int) -> None:
        """To a version that served before, or to one that never did."""
        served = self.universe.ledger.endpoint("m").version
        to = 1 + which % (served - 1)
        self.universe.post(rollback_message("m", served, to, "it hurts", f"back-{served}-{to}-{which}"))

    @precondition(lambda self: any("Package State" in message.body for message in self.universe.queue))
    @rule()
    def an_approval_s_event_is_lost(self) -> None:
        """SageMaker promises no more than its best effort."""
        lost = next(message for message in self.universe.queue if "Package State" in message.body)
        self.universe.queue.remove(lost)
        del self.universe.received[lost.name]

    @rule(how=st.sampled_from(["sick", "wrong"]))
    def the_next_version_will_be_no_good(self, how: str) -> None:
        self.universe.sagemaker.doom = how

    @precondition(lambda self: any(not found.coming for found in self.universe.sagemaker.endpoints.values()))
    @rule()
    def somebody_deletes_the_endpoint(self) -> None:
        del self.universe.sagemaker.endpoints["retide-dev-m"]

    @rule()
    def the_reconciler_looks(self) -> None:
        self.universe.reconcile()
        self._look()

    @rule()
    def a_day_passes(self) -> None:
        self.universe.pass_a_day()

    def teardown(self) -> None:
        self.watch.rest()
        ledger = self.universe.ledger
        taken.update(["examples"])
        taken["steps"] += self.watch.looks
        taken.update(str(run.outcome) for run in ledger.runs("m"))
        taken.update(release.verdict for release in ledger.releases("m"))
        taken.update(item.state.value for item in ledger.objects("m"))
        taken.update(self.universe.seen)
        taken["rolled back by hand"] += any("takes the place" in release.reason for release in ledger.releases("m"))

    def _copies(self) -> list[ObjectRecord]:
        """Objects that were judged and are still there, of whose rows there is more than one."""
        judged = [item for item in self.universe.ledger.objects("m") if item.curated and item.deleted_at is None]
        known = Counter(item.curated for item in judged)
        return [item for item in judged if known[item.curated] > 1]

    def _look(self) -> None:
        self.watch.look()


def search(steps: int, first: int, reached: set[str]) -> None:
    """Until enough steps were seen; what is drawn is the same in every run."""
    taken.clear()
    for number in count(first):
        run_state_machine_as_test(seed(number)(ExactlyOnce), settings=SEARCH)
        if taken["steps"] >= steps:
            break
    print(f"{taken['steps']:,} steps in {taken['examples']:,} examples, 0 violations: {dict(taken)}")
    assert {name for name, number in taken.items() if number} >= reached


def test_the_invariants_hold_whatever_happens_in_whatever_order() -> None:
    search(STEPS, first=1, reached=REACHED)


@pytest.mark.nightly
@pytest.mark.timeout(7200)
def test_the_invariants_hold_for_a_million_steps() -> None:
    search(NIGHTLY, first=10_000, reached=REACHED | RARE)
