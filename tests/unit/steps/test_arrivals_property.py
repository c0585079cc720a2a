"""Arrivals, runs and deaths in any order: every object ends exactly once, and nothing waits without a reason."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from retide.domain.layout import RunId
from retide.domain.ledger import ObjectState
from retide.ports import Fenced, Machine
from retide.steps.ensure_run import STILLBIRTHS
from tests.unit.steps.world import World, wish


class Arrivals(RuleBasedStateMachine):
    """One model under duplicates, bursts, failures and kills at every point between two steps."""

    events = Bundle("events")
    claims = Bundle("claims")

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.sent = 0
        self.ended: dict[str, str] = {}
        self.heard: set[str] = set()

    @rule(target=events, batch=st.sampled_from(["", "", "day/", "night/"]))
    def a_file_is_written(self, batch: str) -> dict[str, Any]:
        self.sent += 1
        return self.world.put(f"incoming/m/{batch}{self.sent}.csv")

    @rule(target=events, batch=st.sampled_from(["day/", "night/"]))
    def a_marker_is_written(self, batch: str) -> dict[str, Any]:
        return self.world.put(f"incoming/m/{batch}_SUCCESS")

    @rule(event=events)
    def an_event_is_delivered(self, event: dict[str, Any]) -> None:
        self.world.dispatch(event)
        key = event["detail"]["object"]["key"]
        if not key.endswith("_SUCCESS"):
            self.heard.add(key)

    @rule(key=st.sampled_from(["k1", "k2", "k3"]))
    def a_person_asks(self, key: str) -> None:
        self.world.dispatch(wish(key))

    @rule()
    def the_queue_delivers(self) -> None:
        self.world.drain()

    @rule(target=claims)
    def the_run_claims(self) -> Any:
        running = self._running()
        if not running:
            return multiple()
        run = RunId.parse(running[0])
        result = self.world.claim(run.generation, run.attempt)
        if result.outcome != "claimed":
            self.world.executions.ended.add(f"arn:retrain:{run}")
            return multiple()
        return (str(run), result.fence)

    @rule(claim=claims, accepted=st.booleans())
    def a_claimed_object_is_judged(self, claim: tuple[str, int], accepted: bool) -> None:
        run, ledger = RunId.parse(claim[0]), self.world.ledger
        left = [item for item in ledger.claimed(run).objects if not item.state.terminal]
        if not left:
            return
        try:
            if accepted:
                ledger.accept(run, claim[1], left[0].id, curated=left[0].id, rows=1, verdict="v")
            else:
                ledger.quarantine(run, claim[1], left[0].id, verdict="v")
        except Fenced:
            assert not self._holds(claim[0])

    @rule(claim=consumes(claims), outcome=st.sampled_from(["kept", "failed"]))
    def the_run_is_released(self, claim: tuple[str, int], outcome: str) -> None:
        if not self._holds(claim[0]):
            return
        if outcome == "kept":
            self.world.accept_all(*claim)
        self.world.release(outcome, *claim)

    @rule()
    def the_execution_is_killed(self) -> None:
        for run in self._running():
            self.world.executions.ended.add(f"arn:retrain:{run}")

    def teardown(self) -> None:
        """One more file, every event once more, and time for all that runs: then nothing may wait any more.

        Where runs were killed before they claimed anything, again and again, a person asks.
        """
        world = self.world
        self.the_execution_is_killed()
        for batch in ("day/", "night/"):
            world.dispatch(world.put(f"incoming/m/{batch}_SUCCESS"))
        world.dispatch(world.put("incoming/m/last.csv"))
        if self._blown():
            world.dispatch(wish("at-last"))
        for _ in range(50):
            world.drain()
            for name in self._running():
                run = RunId.parse(name)
                result = world.claim(run.generation, run.attempt)
                if result.outcome == "claimed":
                    world.accept_all(name, result.fence)
                    world.release("kept", name, result.fence)
                world.executions.ended.add(f"arn:retrain:{name}")
        assert not world.ledger.waiting("m")
        assert world.ledger.head("m").owner is None
        states = {item.key: item.state for item in world.ledger.objects("m")}
        assert self.heard | {"incoming/m/last.csv"} == set(states)
        assert all(state.terminal for state in states.values())

    @invariant()
    def an_end_is_never_taken_back(self) -> None:
        now = {item.id: item.state for item in self.world.ledger.objects("m")}
        for name, state in self.ended.items():
            assert now[name] == state
        self.ended = {name: state for name, state in now.items() if state.terminal}

    @invariant()
    def at_most_one_living_run_works(self) -> None:
        """Another may live that has claimed nothing: where a killed run's last call still freed the lease."""
        working = {record.run for record in self.world.ledger.runs("m") if record.state == "running"}
        assert len(working & set(self._running())) <= 1

    @invariant()
    def no_name_is_started_twice(self) -> None:
        assert len(set(self.world.executions.names)) == len(self.world.executions.names)

    @invariant()
    def what_is_accepted_is_in_the_data_once(self) -> None:
        ledger = self.world.ledger
        accepted = [item.id for item in ledger.objects("m") if item.state is ObjectState.ACCEPTED]
        assert sorted(accepted) == sorted(item.id for item in ledger.accepted("m"))

    @invariant()
    def what_was_never_tried_has_a_run_or_a_message(self) -> None:
        if self.world.ledger.waiting("m").fresh and not self._killed() and not self._blown():
            assert self._running() or self.world.queue.messages

    def _running(self) -> list[str]:
        started = [name for machine, name, _ in self.world.executions.started if machine is Machine.RETRAIN]
        return [name for name in started if f"arn:retrain:{name}" not in self.world.executions.ended]

    def _killed(self) -> bool:
        """Whether the newest execution was killed: then what waits is found by the next event."""
        names = self.world.executions.names
        head = self.world.ledger.head("m")
        return bool(names) and str(head.run("m")) in names and names[-1] == str(head.run("m"))

    def _blown(self) -> bool:
        return self.world.ledger.head("m").stillborn >= STILLBIRTHS

    def _holds(self, run: str) -> bool:
        return self.world.ledger.head("m").owner == f"arn:retrain:{run}"


TestArrivals = Arrivals.TestCase
TestArrivals.settings = settings(max_examples=100, stateful_step_count=40, deadline=None, derandomize=True)
