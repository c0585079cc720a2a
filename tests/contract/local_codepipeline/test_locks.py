"""Stage locks: one execution in a stage, the others in the order of their coming, and nobody is lost."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from retide.local.codepipeline.locks import Mode, Moves, StageLocks

STAGES = ("Source", "Build", "Deploy")


def test_the_first_enters_and_the_second_waits() -> None:
    locks = StageLocks(STAGES, Mode.QUEUED)

    assert locks.arrive("a", "Source") == Moves(entered=(("a", "Source"),))
    assert locks.arrive("b", "Source") == Moves()
    assert locks.go_on("a", "Source", "Build") == Moves(entered=(("a", "Build"), ("b", "Source")))


def test_who_comes_first_by_right_goes_before_those_who_wait() -> None:
    locks = StageLocks(STAGES, Mode.QUEUED)
    for name in ("a", "b"):
        locks.arrive(name, "Deploy")
    locks.arrive("rollback", "Deploy", first=True)

    assert locks.waiting("Deploy") == ("rollback", "b")
    assert locks.leave("a").entered == (("rollback", "Deploy"),)


def test_a_later_execution_supersedes_those_who_wait() -> None:
    locks = StageLocks(STAGES, Mode.SUPERSEDED)
    for name in ("a", "b"):
        locks.arrive(name, "Build")

    assert locks.arrive("c", "Build") == Moves(superseded=("b",))
    assert locks.leave("a").entered == (("c", "Build"),)


def test_a_closed_stage_lets_nobody_in_until_it_opens() -> None:
    locks = StageLocks(STAGES, Mode.QUEUED)
    locks.disable("Build")

    assert locks.arrive("a", "Build") == Moves()
    assert locks.enable("Build").entered == (("a", "Build"),)


class Queue(RuleBasedStateMachine):
    """Executions come, go on, leave for good, and stages close and open, in any order."""

    executions = Bundle("executions")

    def __init__(self) -> None:
        super().__init__()
        self.locks = StageLocks(STAGES, Mode.QUEUED)
        self.number = 0
        self.inside: dict[str, str] = {}
        self.entries: dict[str, list[int]] = {stage: [] for stage in STAGES}
        self.alive: set[str] = set()
        self.closed: set[str] = set()

    def moved(self, moves: Moves) -> None:
        assert moves.superseded == ()
        for execution, stage in moves.entered:
            assert stage not in self.closed
            assert stage not in self.inside.values()
            self.inside[execution] = stage
            self.entries[stage].append(int(execution))

    @rule(target=executions)
    def start(self) -> str:
        self.number += 1
        execution = str(self.number)
        self.alive.add(execution)
        self.moved(self.locks.arrive(execution, STAGES[0]))
        return execution

    @rule(execution=executions)
    def go_on(self, execution: str) -> None:
        stage = self.inside.get(execution)
        if stage is None or stage == STAGES[-1]:
            return
        del self.inside[execution]
        self.moved(self.locks.go_on(execution, stage, STAGES[STAGES.index(stage) + 1]))

    @rule(execution=consumes(executions))
    def leave(self, execution: str) -> None:
        self.inside.pop(execution, None)
        self.alive.discard(execution)
        self.moved(self.locks.leave(execution))

    @rule(stage=st.sampled_from(STAGES))
    def close(self, stage: str) -> None:
        self.closed.add(stage)
        self.locks.disable(stage)

    @rule(stage=st.sampled_from(STAGES))
    def open(self, stage: str) -> None:
        self.closed.discard(stage)
        self.moved(self.locks.enable(stage))

    @invariant()
    def each_is_in_one_place(self) -> None:
        waiting = [name for stage in STAGES for name in self.locks.waiting(stage)]
        held = [name for stage in STAGES if (name := self.locks.holder(stage))]
        assert sorted([*waiting, *held]) == sorted(self.alive)

    @invariant()
    def nobody_overtakes(self) -> None:
        assert all(entries == sorted(entries) for entries in self.entries.values())

    @invariant()
    def no_free_stage_keeps_anybody_waiting(self) -> None:
        for stage in set(STAGES) - self.closed:
            assert self.locks.holder(stage) or not self.locks.waiting(stage)


TestQueue = Queue.TestCase
TestQueue.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
