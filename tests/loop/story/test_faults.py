"""Bad days of AWS on the deployed stage: a storm of events, killed functions, throttled calls, killed jobs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from retide.domain.contract_serving import Serving
from retide.local.cloud import Running
from retide.local.interfaces import Json
from tests.loop.story import rows
from tests.loop.story.stage import PATIENCE_SECONDS, Item, Stage
from tests.patience import eventually

WORKFLOWS: Final = Path(__file__).parents[3] / "infra" / "workflows"
FUNCTIONS: Final = frozenset(
    f"{name.lower()}Function"
    for workflow in ("retrain", "rollout")
    for name in re.findall(r"\$\{(\w+)Function\}", (WORKFLOWS / f"{workflow}.asl.json").read_text())
)
"""Texts in the ARNs of the functions that a run and its rollout call: CloudFormation makes names of the constructs'."""
WRITE_NOTHING: Final = {
    "checkrolloutFunction": "it only looks",
    "preparejudgingFunction": "no object of the story is large enough for a job of its own",
    "watchshiftFunction": "no endpoint of the story runs on instances",
}
SERVED_BEFORE: Final = 1 + Serving().keep_versions  # from then on each rollout leaves a version to be cleaned up
MANY: Final = 3  # of the same operation by the same function, the ones after that are like these
WRITES: Final = (
    "TransactWriteItems",
    "PutObject",
    "CreateModelPackage",
    "UpdateModelPackage",
    "DeleteEndpointConfig",
    "DeleteModel",
    "SendMessage",
    "Publish",
)


@pytest.fixture
def bad_day(story_cloud: Running) -> Iterator[Running]:
    """The cloud, which forgets its faults and waits no longer than it must."""
    story_cloud.change_time(wait_scale=0.05)
    yield story_cloud
    story_cloud.clear_faults()
    story_cloud.change_time(wait_scale=1)


def struck(cloud: Running) -> list[int]:
    return [fault["struck"] for fault in cloud.faults()]


def sent_and_judged(stage: Stage, model: str, batch: str, mood: str = "fine") -> Item:
    """One more batch, until its run has ended and all is at rest."""
    sent = stage.put(f"incoming/{model}/{batch}.csv", rows.fragile(mood, batch=batch, rows=100))
    run = stage.run(model, str(stage.outcome(model, sent)["run"]))
    eventually(lambda: stage.rests(model), f"{model} comes to rest", PATIENCE_SECONDS)
    return run


@pytest.mark.nightly
def test_a_storm_of_repeated_and_reordered_events_is_one_run_of_each_file_once(stage: Stage, bad_day: Running) -> None:
    bad_day.inject("delivery", "reorder", contains="storm/day/late", window=4, times=4, seed=3, seconds=3)
    bad_day.inject("delivery", "duplicate", contains="incoming/storm/", copies=3, times=0)
    names = [f"{'late' if number % 2 else 'early'}-{number}" for number in range(8)]

    sent = [stage.put(f"incoming/storm/day/{name}.csv", rows.fragile(batch=name)) for name in names]
    stage.put("incoming/storm/day/_SUCCESS", b"")

    records = [stage.outcome("storm", version) for version in sent]
    eventually(lambda: stage.rests("storm"), "storm comes to rest", PATIENCE_SECONDS)
    assert {record["state"] for record in records} == {"accepted"}
    assert len(stage.items("storm", "object#")) == 8
    taught = [run for run in stage.items("storm", "run#") if run.get("objects")]  # the others only evaluate anew
    assert len(stage.jobs("storm")) == len(taught) <= 2
    assert all(count > 0 for count in struck(bad_day))


@pytest.mark.parametrize("when", [pytest.param("before", marks=pytest.mark.nightly), "after"])
def test_a_function_that_is_killed_around_its_write_costs_the_run_nothing(
    stage: Stage, bad_day: Running, when: str
) -> None:
    """Claim dies before it writes what it claimed; Register dies when the package is made, and adopts it."""
    bad_day.inject(
        "call", "kill", service="dynamodb", operation="TransactWriteItems", caller="claimFunction", when=when, nth=2
    )
    bad_day.inject(
        "call", "kill", service="sagemaker", operation="CreateModelPackage", caller="registerFunction", when=when
    )
    packages = len(stage.packages("tempest"))

    run = sent_and_judged(stage, "tempest", f"killed-{when}")

    assert run["outcome"] in {"approved", "kept"}, run["reasons"]
    assert struck(bad_day) == [1, 1]
    assert len(stage.packages("tempest")) == packages + 1


@pytest.mark.nightly
def test_a_training_job_that_is_throttled_is_asked_for_again(stage: Stage, bad_day: Running) -> None:
    jobs = len(stage.jobs("tempest"))
    bad_day.inject("call", "throttle", service="sagemaker", operation="CreateTrainingJob", times=2)

    run = sent_and_judged(stage, "tempest", "throttled")

    assert run["outcome"] in {"approved", "kept"}, run["reasons"]
    assert struck(bad_day) == [2]
    assert len(stage.jobs("tempest")) == jobs + 1


def test_a_job_that_is_killed_fails_its_run_and_the_next_batch_simply_works(stage: Stage, bad_day: Running) -> None:
    bad_day.inject("job", "kill", job="Training", name="tempest")

    failed = sent_and_judged_in_vain(stage, "lost")

    assert failed["outcome"] == "failed"
    assert any("137" in reason for reason in failed["reasons"])
    assert sent_and_judged(stage, "tempest", "found")["outcome"] in {"approved", "kept"}


def sent_and_judged_in_vain(stage: Stage, batch: str) -> Item:
    sent = stage.put(f"incoming/tempest/{batch}.csv", rows.fragile(batch=batch, rows=100))
    return stage.run("tempest", str(stage.outcome("tempest", sent)["run"]))


@dataclass(frozen=True, slots=True)
class Write:
    """The how manieth call of an operation by one function, in a run and the rollout that follows."""

    function: str
    service: str
    operation: str
    nth: int


def writes_of(cloud: Running, since: int) -> list[Write]:
    """Every write that a function has made since, in order."""
    found: list[Write] = []
    for call in cloud.calls(since)["calls"]:
        for function in FUNCTIONS:
            if function in call["caller"] and call["operation"] in WRITES:
                earlier = [
                    known for known in found if (known.function, known.operation) == (function, call["operation"])
                ]
                found.append(Write(function, call["service"], call["operation"], 1 + len(earlier)))
    return found


def judged_and_served(stage: Stage, batch: str) -> Item:
    """One more batch of a model that is as good as the one before to the last bit, until it is served; its run."""
    run = sent_and_judged(stage, "squall", batch, mood="steady")
    assert run["outcome"] == "approved", run["reasons"]
    version = int(str(run["package"]).rpartition("/")[2])
    assert stage.rollout("squall", version)["verdict"] == "promoted"
    assert stage.served("squall") == version
    return run


def steps_of(run: Item) -> list[str]:
    return [str(step["name"]) for step in run["steps"]]


@pytest.mark.nightly
@pytest.mark.timeout(3600)
def test_every_function_may_be_killed_at_every_one_of_its_writes(stage: Stage, bad_day: Running) -> None:
    """As the crash matrix on fakes, with real processes and SIGKILL; which writes there are comes from a whole run."""
    for number in range(SERVED_BEFORE):
        judged_and_served(stage, f"before-{number}")
    since = bad_day.calls()["last"]
    whole = judged_and_served(stage, "whole")
    writes = [write for write in writes_of(bad_day, since) if write.nth <= MANY]
    assert {write.function for write in writes} == FUNCTIONS - WRITE_NOTHING.keys()

    for number, write in enumerate(writes):
        for when in ("before", "after"):
            packages = len(stage.packages("squall"))
            bad_day.inject("call", "kill", **without_function(write), caller=write.function, when=when)
            run = judged_and_served(stage, f"matrix-{number}-{when}")
            print(f"{write.function}: {write.operation} {write.nth}, {when}: {run['outcome']}")
            assert struck(bad_day) == [1], f"{write}, {when}: no run came there"
            assert (steps_of(run), len(stage.packages("squall"))) == (steps_of(whole), packages + 1)
            bad_day.clear_faults()


def without_function(write: Write) -> Json:
    return {"service": write.service, "operation": write.operation, "nth": write.nth}
