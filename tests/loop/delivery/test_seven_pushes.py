"""All seven kinds of push on the local cloud, one after the other and two at once; too long for every test run."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psutil
import pytest

from retide.domain.ledger import RunRecord
from retide.local.processes import MARK, lives
from tests.loop.delivery import changes
from tests.loop.delivery.road import Road
from tests.loop.delivery.test_pushes_take_their_road import WHOLE
from tests.patience import eventually

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(3600)]

PATIENCE_SECONDS = 60.0


@pytest.fixture(scope="module")
def six(three: Road) -> Road:
    """After the three, pushes that follow each other closely: a handler, a worse model, and two changes at once."""
    three.push("handler", changes.handler)
    three.push("worse", changes.worse)
    three.push("quick one", changes.better, changes.stronger)
    three.push("quick two", changes.strongest)
    three.follow()
    three.settle()
    return three


@pytest.fixture(scope="module")
def seven(six: Road) -> Road:
    """New code reaches production while a retrain for new data is in the middle of its training."""
    six.push("during a retrain", changes.documented)
    six.held_back.add(six.pushed["during a retrain"])
    six.follow()
    six.put("second.csv", changes.rows(first=1000))
    with training_held(six):
        six.held_back.clear()
        six.deliver("during a retrain")
        eventually(lambda: waiting(six) == ["code"], "the code's request reaches the ledger", PATIENCE_SECONDS)
    six.settle()
    return six


def waiting(road: Road) -> list[str]:
    return [wish.cause.value for wish in road.production.ledger.waiting("tide").requests]


@contextmanager
def training_held(road: Road) -> Iterator[None]:
    """The next training job of production's model stands still for as long as this lasts."""
    job = eventually(lambda: training(road), "a training job runs", PATIENCE_SECONDS)
    os.killpg(job, signal.SIGSTOP)
    try:
        yield
    finally:
        os.killpg(job, signal.SIGCONT)


def training(road: Road) -> int | None:
    """The process of a training job of production's model."""
    home = road.repository.environment["RETIDE_HOME"]
    for process in psutil.process_iter():
        try:
            seen = process.environ() if lives(process) else {}
        except psutil.Error:
            continue
        if seen.get(MARK) == home and seen.get("TRAINING_JOB_NAME", "").startswith("retide-prod-tide"):
            return process.pid
    return None


def model(road: Road, word: str) -> dict[str, str]:
    """What the push of this word meant for the model in production."""
    shown = road.shown(word)["models"]
    return next(one for one in shown if (one["stage"], one["model"]) == ("prod", "tide"))


def since_the_data(runs: Sequence[RunRecord]) -> Sequence[RunRecord]:
    """From the last run that new data started."""
    return runs[max(number for number, run in enumerate(runs) if run.causes == ("data",)) :]


def test_a_changed_handler_is_deployed_and_retrains_nothing(six: Road) -> None:
    shown = six.shown("handler")
    assert (shown["outcome"], shown["stages"]) == ("deployed; no retrain: no model's code changed", WHOLE)
    assert model(six, "handler")["state"] == "nothing"


def test_a_worse_model_is_deployed_tried_and_kept_out_by_the_gate(six: Road) -> None:
    told = model(six, "worse")
    assert (told["state"], six.shown("worse")["stages"]) == ("decided", WHOLE)
    assert told["text"].startswith(f"run {told['run']} was kept: margin: ")
    assert six.production.ledger.head("tide").champion is not None


def test_two_pushes_in_quick_succession_both_reach_production_in_their_order(six: Road) -> None:
    first, second = six.shown("quick one"), six.shown("quick two")
    assert [one["fate"] for one in (first, second)] == ["deployed", "deployed"]
    assert first["stages"] == second["stages"] == WHOLE
    deployed = [one["actions"][-1]["started"] for one in (first, second)]
    assert deployed == sorted(deployed)


def test_of_two_pushes_in_quick_succession_the_newest_code_was_trained_last_and_neither_was_lost(six: Road) -> None:
    told = [model(six, word) for word in ("quick one", "quick two")]
    assert {one["state"] for one in told} <= {"promoted", "decided"}
    newest = next(run for run in six.production.ledger.runs("tide") if run.run == told[1]["run"])
    assert newest.commit == six.pushed["quick two"]


def test_no_push_was_built_twice(six: Road) -> None:
    told = six.told()
    assert {word: len(one["executions"]) for word, one in told.items()} == {
        word: int(word != "documents") for word in six.pushed
    }


def test_code_that_comes_during_a_retrain_starts_exactly_one_successor(seven: Road) -> None:
    """Where the data's model is promoted meanwhile, the code's is judged once more, against this newer champion."""
    data, code, *again = since_the_data(seven.production.ledger.runs("tide"))
    assert [data.causes, code.causes] == [("data",), ("code",)]
    assert [run.causes for run in again] in ([], [("champion changed",)])
    assert code.commit == seven.pushed["during a retrain"]
    assert data.commit == seven.pushed["quick two"]
    assert model(seven, "during a retrain")["run"] == (again or [code])[-1].run


def test_every_push_has_an_outcome_that_a_person_can_look_up(seven: Road) -> None:
    told = seven.told()
    assert set(told) == set(seven.pushed)
    assert {one["fate"] for one in told.values()} == {"deployed", "failed", "nothing to deploy"}
    shown = seven.repository.retide("delivery", "list")
    assert all(seven.pushed[word][:10] in shown for word in seven.pushed)
