"""What becomes of an object that no function holds, however its jobs end: the deployed machine, the real steps."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from retide.steps.validate import CRASHES
from tests.unit.proofs.asl import Json, TaskError
from tests.unit.proofs.invariants import Watch
from tests.unit.proofs.universe import Universe

LARGE = b"good, and too large for a function"
BROKEN = {"ProcessingJobStatus": "Failed", "FailureReason": "AlgorithmError: no space left, exit code: 1"}
NO_ROOM = {"ProcessingJobStatus": "Failed", "FailureReason": "CapacityError: no instance"}
FAULT = {"ProcessingJobStatus": "Failed", "FailureReason": "InternalServerError: We encountered an internal error"}
STOPPED = {"ProcessingJobStatus": "Stopped"}


@dataclass
class Judging:
    """Jobs that judge: the first `times` of them end otherwise than by a verdict."""

    universe: Universe
    ending: Json
    times: int
    begun: int = 0

    def __call__(self, given: Json) -> None:
        self.begun += 1
        if self.begun > self.times:
            self.universe._judge_in_a_job(given)
            return
        self.universe.sagemaker.evaluations[given["ProcessingJobName"]] |= self.ending
        raise TaskError("States.TaskFailed", "the job did not complete")


def run_with(ending: Json, times: int) -> tuple[Universe, Judging]:
    """One large object arrives, and its first run comes to its end."""
    universe = Universe()
    jobs = Judging(universe, ending, times)
    universe.sagemaker.judge = jobs
    universe.deliver(universe.put("incoming/m/a.csv", LARGE))
    (execution,) = universe.executions.live
    while execution.running:
        universe.step(execution)
    return universe, jobs


def state(universe: Universe) -> str:
    (item,) = universe.ledger.objects("m")
    return item.state.value


@pytest.mark.parametrize("times", range(CRASHES))
def test_a_job_that_breaks_off_is_tried_again_until_one_comes_to_a_verdict(times: int) -> None:
    universe, jobs = run_with(BROKEN, times)
    assert (state(universe), jobs.begun) == ("accepted", times + 1)
    assert universe.ledger.runs("m")[0].outcome == "approved"


def test_an_object_whose_jobs_all_break_off_is_quarantined_after_the_third_with_its_words() -> None:
    universe, jobs = run_with(BROKEN, CRASHES + 1)
    assert (state(universe), jobs.begun) == ("quarantined", CRASHES)
    (item,) = universe.ledger.objects("m")
    assert "no space left" in universe.objects.get(f"verdicts/m/{item.id}.json").decode()
    Watch(universe).rest()


@pytest.mark.parametrize(
    ("ending", "outcome", "later"),
    [(NO_ROOM, "waiting for quota", "accepted"), (FAULT, "failed", "pending"), (STOPPED, "stopped", "pending")],
)
def test_a_job_that_ends_for_another_reason_ends_the_run_and_the_object_waits_for_the_next(
    ending: Json, outcome: str, later: str
) -> None:
    """Room for it comes by itself; what failed or was stopped goes into the next run that is started."""
    universe, jobs = run_with(ending, 1)
    (run,) = universe.ledger.runs("m")
    assert (run.outcome, state(universe), jobs.begun) == (outcome, "pending", 1)
    universe.pass_a_day()
    Watch(universe).rest()
    assert state(universe) == later
