"""Bad days of AWS on the deployed stage: a storm of events, killed functions, throttled calls, killed jobs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest

from retide.local.cloud import Running
from retide.local.interfaces import Json
from tests.loop.story import rows
from tests.loop.story.stage import PATIENCE_SECONDS, Item, Stage
from tests.patience import eventually

FUNCTIONS: Final = ("claim", "validate", "freeze", "decide", "gate", "register", "release")
ROLLOUT: Final = ("prepare_rollout", "check_rollout", "finish_rollout")
WRITES: Final = (
    "TransactWriteItems",
    "PutObject",
    "CreateModelPackage",
    "UpdateModelPackage",
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


def at_rest(stage: Stage, model: str) -> bool:
    heads = [stage.item(model, name).get("owner") for name in ("head", "endpoint")]
    return not any(heads) and not stage.items(model, "pending#")


def function_of(name: str) -> str:
    """A text in the ARN of a function, whose name CloudFormation makes of the construct's."""
    return f"{name.replace('_', '')}Function"


def sent_and_judged(stage: Stage, model: str, batch: str) -> Item:
    """One more batch, until its run has ended and all is at rest."""
    sent = stage.put(f"incoming/{model}/{batch}.csv", rows.fragile(batch=batch, rows=100))
    run = stage.run(model, str(stage.outcome(model, sent)["run"]))
    eventually(lambda: at_rest(stage, model), f"{model} comes to rest", PATIENCE_SECONDS)
    return run


def test_a_storm_of_repeated_and_reordered_events_is_one_run_of_each_file_once(stage: Stage, bad_day: Running) -> None:
    bad_day.inject("delivery", "reorder", contains="storm/day/late", window=4, times=4, seed=3, seconds=3)
    bad_day.inject("delivery", "duplicate", contains="incoming/storm/", copies=3, times=0)
    names = [f"{'late' if number % 2 else 'early'}-{number}" for number in range(8)]

    sent = [stage.put(f"incoming/storm/day/{name}.csv", rows.fragile(batch=name)) for name in names]
    stage.put("incoming/storm/day/_SUCCESS", b"")

    records = [stage.outcome("storm", version) for version in sent]
    eventually(lambda: at_rest(stage, "storm"), "storm comes to rest", PATIENCE_SECONDS)
    assert {record["state"] for record in records} == {"accepted"}
    assert len(stage.items("storm", "object#")) == 8
    assert len(stage.jobs("storm")) == len(stage.items("storm", "run#")) <= 2
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
    packages = len(packages_of(stage, "tempest"))

    run = sent_and_judged(stage, "tempest", f"killed-{when}")

    assert run["outcome"] in {"approved", "kept"}, run["reasons"]
    assert struck(bad_day) == [1, 1]
    assert len(packages_of(stage, "tempest")) == packages + 1


def packages_of(stage: Stage, model: str) -> list[Json]:
    listed = stage.client("sagemaker").list_model_packages(ModelPackageGroupName=f"retide-dev-{model}")
    found: list[Json] = listed["ModelPackageSummaryList"]
    return found


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


def writes_of(cloud: Running, since: int) -> list[tuple[str, str, str, int]]:
    """Every write that a function has made since: the function, the service, the operation, and the how manieth."""
    found: list[tuple[str, str, str, int]] = []
    for call in cloud.calls(since)["calls"]:
        for function in map(function_of, (*FUNCTIONS, *ROLLOUT)):
            if function in call["caller"] and call["operation"] in WRITES:
                key = (function, call["service"], call["operation"])
                found.append((*key, 1 + sum(known[:3] == key for known in found)))
    return found


@pytest.mark.nightly
@pytest.mark.timeout(3600)
def test_every_function_may_be_killed_at_every_one_of_its_writes(stage: Stage, bad_day: Running) -> None:
    """As the crash matrix on fakes, with real processes and SIGKILL; which writes there are comes from a whole run."""
    since = bad_day.calls()["last"]
    sent_and_judged(stage, "tempest", "whole")
    writes = [write for write in writes_of(bad_day, since) if write[3] <= 3]
    assert {write[0] for write in writes} >= {
        function_of(name) for name in ("claim", "validate", "register", "release")
    }

    for number, (function, service, operation, nth) in enumerate(writes):
        for when in ("before", "after"):
            bad_day.clear_faults()
            fault = {"service": service, "operation": operation, "caller": function, "when": when, "nth": nth}
            bad_day.inject("call", "kill", **fault)
            run = sent_and_judged(stage, "tempest", f"matrix-{number}-{when}")
            assert run["outcome"] in {"approved", "kept"}, (fault, run)
            print(f"{function}: {operation} {nth}, {when}: {run['outcome']}, struck {struck(bad_day)}")
