"""Storms and bursts on the deployed stage: thousands of shuffled deliveries, large batches, many approvals at once."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import pytest

from retide.domain.layout import ObjectVersion
from retide.local.cloud import Running
from retide.local.interfaces import Json
from tests.loop.command_line import CommandLine
from tests.loop.story import rows
from tests.loop.story.deliveries import deliver, intercepted
from tests.loop.story.stage import PATIENCE_SECONDS, Stage
from tests.patience import eventually, while_it_moves

type Sent = Mapping[str, Sequence[ObjectVersion]]
type Models = tuple[str, ...]

MODELS: Final = ("ash", "birch", "cedar", "elm", "fir")
UPDATES: Final = ("CreateEndpoint", "UpdateEndpoint")
OF_DISPATCH: Final[Json] = {
    "service": "dynamodb",
    "operation": "TransactWriteItems",
    "caller": "dispatchFunction",
    "when": "after",
}
COPIES: Final = 10
KEYS: Final = 16  # of a model: versions beyond that are corrected files under a name that was used before
BAD: Final = 20  # every so manieth file says what the contract does not allow
FEWEST: Final = 4  # runs that a storm may always take
FOLDED: Final = 10  # versions of a run, on average and at least: how many runs a storm meets depends on the machine
QUICK: Final = 0.05  # what is left of a wait
HALF: Final = 0.5
AROUND: Final = 2  # calls about an endpoint by a version that did not hold: there and back
STILL_SECONDS: Final = 240.0  # in which nothing has changed: longer than what a killed function had taken is invisible


@pytest.fixture
def weather(story_cloud: Running) -> Iterator[Running]:
    yield story_cloud
    story_cloud.clear_faults()
    story_cloud.change_time(wait_scale=1)


@pytest.fixture
def retide(story_cloud: Running, tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path / "home", story_cloud.environment())


def in_time(stage: Stage, model: str, look: Callable[[], object], what: str) -> None:
    """Wait as long as anything happens to the model: how long a storm takes is the machine's affair."""
    while_it_moves(look, lambda: stage.progress(model), what, STILL_SECONDS)


def eventually_at_rest(stage: Stage, *models: str) -> None:
    def look(model: str) -> Callable[[], bool]:
        return lambda: stage.rests(model) and stage.serves_the_newest(model)

    for model in models:
        in_time(stage, model, look(model), f"{model} comes to rest")


def file(model: str, number: int, storm: str) -> bytes:
    return rows.fragile("fine" if number % BAD else "torn", rows=20, batch=f"{storm}{model}{number}-")


def storm(stage: Stage, cloud: Running, models: Models, versions: int) -> Sent:
    """Put so many versions for every model, and deliver the event of each ten times, all shuffled."""
    name, sent = f"storm{versions}", {model: list[ObjectVersion]() for model in models}
    with intercepted(stage, cloud, f"/{name}-") as tap:
        for number in range(versions):
            for model in models:
                key = f"incoming/{model}/{name}-{number % KEYS}.csv"
                sent[model].append(stage.put(key, file(model, number, name)))
        deliveries = tap.heard(versions * len(models)) * COPIES
    random.Random(name).shuffle(deliveries)
    deliver(stage, deliveries)
    return sent


def assert_all_accounted_for(stage: Stage, retide: CommandLine, model: str, sent: Sequence[ObjectVersion]) -> int:
    """I8: every version in S3 is in the ledger with the outcome that it must have; how many messages were received."""
    records = {str(item["id"]): str(item["state"]) for item in stage.items(model, "object#")}
    assert set(records) == {version.id for version in stage.versions(f"incoming/{model}/")}
    for number, version in enumerate(sent):
        assert records[version.id] == ("accepted" if number % BAD else "quarantined")
    told = retide("ledger", "--model", model, "--json")
    assert told.status == 0, told
    account: Json = json.loads(told.out)["models"][model]
    assert (account["problems"], account["waiting"]) == ([], {})
    return int(account["received"])


def assert_nothing_done_twice(stage: Stage, model: str, calls: Sequence[Json]) -> None:
    """One training job for a dataset, one deployment for a version, no update that is refused."""
    trained = {(run["dataset"], run["job"]) for run in stage.items(model, "run#") if run.get("job")}
    assert sorted(stage.jobs(model)) == sorted(str(job) for _, job in trained)
    assert set(Counter(dataset for dataset, _ in trained).values()) == {1}
    promoted = promotions(stage, model)
    assert promoted == sorted(set(promoted))
    statuses = [call["status"] for call in endpoint_calls(calls, model)]
    assert set(statuses) == {200}
    assert len(statuses) - len(promoted) in range(AROUND * gone_back(stage, model) + 1)


def promotions(stage: Stage, model: str) -> list[int]:
    """The versions that were promoted, in the order in which they were."""
    ended = sorted(stage.items(model, "release#"), key=lambda item: str(item["at"]))
    return [int(item["version"]) for item in ended if item["verdict"] == "promoted"]


def gone_back(stage: Stage, model: str) -> int:
    """How many versions did not hold: a machine that is busy enough answers the first golden records too late."""
    return sum(item["verdict"] == "failed" for item in stage.items(model, "release#"))


def endpoint_calls(calls: Sequence[Json], model: str) -> list[Json]:
    return [call for call in calls if call["operation"] in UPDATES and call["resource"].endswith(f"-{model}")]


@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    ("models", "versions", "kills"), [(MODELS[:2], 20, 0), pytest.param(MODELS, 200, 3, marks=pytest.mark.nightly)]
)
def test_of_a_storm_of_shuffled_deliveries_every_version_is_accounted_for_and_nothing_is_done_twice(
    stage: Stage, weather: Running, retide: CommandLine, models: Models, versions: int, kills: int
) -> None:
    """Four hundred deliveries of forty versions for two models; at night ten thousand of a thousand for five.

    At night dispatch is killed as well, right after it has written what arrived: its messages come again minutes later.
    """
    known = {model: len(stage.items(model, "message#")) for model in models}
    for number in range(kills):
        weather.inject("call", "kill", **OF_DISPATCH, nth=50 * (number + 1))

    sent = storm(stage, weather, models, versions)
    eventually_at_rest(stage, *models)

    assert [fault["struck"] for fault in weather.faults() if fault["effect"] == "kill"] == [1] * kills
    record = endpoint_record(weather)
    for model, of_model in sent.items():
        received = assert_all_accounted_for(stage, retide, model, of_model) - known[model]
        assert received >= COPIES * versions
        assert_nothing_done_twice(stage, model, record)
        assert len(stage.items(model, "run#")) <= max(FEWEST, versions // FOLDED)


def endpoint_record(cloud: Running, since: int = 0) -> list[Json]:
    """Every call that changed an endpoint, or would have."""
    return [call for call in cloud.calls(since)["calls"] if call["operation"] in UPDATES]


@pytest.mark.parametrize("files", [25, pytest.param(500, marks=(pytest.mark.nightly, pytest.mark.timeout(900)))])
def test_a_batch_of_many_files_is_one_run_and_none_before_its_marker(
    stage: Stage, weather: Running, files: int
) -> None:
    weather.change_time(wait_scale=QUICK)
    before = len(stage.items("ash", "run#"))
    for number in range(files):
        stage.put(f"incoming/ash/whole{files}/{number}.csv", file("ash", number + 1, f"whole{files}"))
    in_time(stage, "ash", lambda: len(stage.items("ash", "held#")) == files, "all files are held back")
    assert stage.rests("ash")
    assert len(stage.items("ash", "run#")) == before

    stage.put(f"incoming/ash/whole{files}/_SUCCESS", b"")
    in_time(stage, "ash", lambda: not stage.items("ash", "held#"), "the marker lets them go")

    eventually_at_rest(stage, "ash")
    claimed = [len(run.get("objects", [])) for run in stage.items("ash", "run#")[before:]]
    assert (claimed[0], sum(claimed)) == (files, files)


@pytest.mark.nightly
@pytest.mark.timeout(900)
@pytest.mark.parametrize("files", [20, 100])
def test_what_arrives_in_a_burst_during_a_run_is_the_one_run_that_follows(
    stage: Stage, weather: Running, files: int
) -> None:
    weather.change_time(wait_scale=QUICK)
    before, known = len(stage.items("birch", "run#")), len(stage.items("birch", "object#"))
    stage.put(f"incoming/birch/before{files}.csv", file("birch", 1, f"before{files}"))
    in_time(stage, "birch", lambda: stage.item("birch", "head").get("owner"), "the run takes its lease")
    weather.change_time(wait_scale=HALF)

    sent = [
        stage.put(f"incoming/birch/burst{files}-{number}.csv", file("birch", number + 1, f"burst{files}"))
        for number in range(files)
    ]
    in_time(stage, "birch", lambda: len(stage.items("birch", "object#")) == known + files + 1, "all are known")

    eventually_at_rest(stage, "birch")
    follower, *later = stage.items("birch", "run#")[before + 1 :]
    assert sorted(follower["objects"]) == sorted(version.id for version in sent)
    assert not any(run.get("objects") for run in later)


@pytest.mark.nightly
@pytest.mark.timeout(900)
@pytest.mark.parametrize("versions", [8, 50])
def test_of_many_approvals_at_once_one_is_rolled_out_at_a_time_and_the_newest_wins(
    stage: Stage, weather: Running, versions: int
) -> None:
    model = f"breeze{versions}"
    sent = stage.put(f"incoming/{model}/trees.csv", rows.orchard())
    run = stage.run(model, str(stage.outcome(model, sent)["run"]))
    packages = [str(run["package"]), *(stage.copy_package(str(run["package"])) for _ in range(versions - 1))]
    together: Json = {"window": versions, "times": versions, "seconds": PATIENCE_SECONDS, "seed": 4}
    weather.inject("delivery", "reorder", target="Arrivals", contains=model, **together)
    since = weather.calls()["last"]

    for package in packages:
        stage.client("sagemaker").update_model_package(ModelPackageArn=package, ModelApprovalStatus="Approved")

    eventually_at_rest(stage, model)
    promoted, calls = promotions(stage, model), endpoint_calls(endpoint_record(weather, since), model)
    assert (stage.served(model), promoted[-1], promoted) == (versions, versions, sorted(promoted))
    assert [call["status"] for call in calls] == [200] * len(promoted)
    assert [fault["struck"] for fault in weather.faults()] == [versions]


def test_what_a_dead_run_held_passes_on_with_one_reconciliation_and_who_still_acts_for_it_is_refused(
    stage: Stage, weather: Running
) -> None:
    weather.change_time(wait_scale=QUICK)
    jobs, packages = len(stage.jobs("cedar")), len(stage.packages("cedar"))
    weather.inject(
        "call", "kill", service="dynamodb", operation="TransactWriteItems", caller="releaseFunction", times=0
    )
    stage.put("incoming/cedar/doomed.csv", file("cedar", 1, "doomed"))
    owner = eventually(lambda: stage.item("cedar", "head").get("owner"), "the run takes its lease", PATIENCE_SECONDS)
    stale = {"run": str(owner).rpartition(":")[2], "fence": int(stage.item("cedar", "head")["token"])}
    in_time(stage, "cedar", lambda: stage.ended(str(owner)), "nobody can release the run")
    weather.clear_faults()

    acts = stage.reconcile()["acts"]

    assert sum(f"run {stale['run']} died" in act for act in acts) == 1
    eventually_at_rest(stage, "cedar")
    assert stage.invoke_function("register", {"model": "cedar", **stale})["errorType"] == "Fenced"
    died, heir = stage.items("cedar", "run#")[-2:]
    assert (died["run"], died["state"], heir["state"]) == (stale["run"], "died", "ended")
    assert (len(stage.jobs("cedar")), len(stage.packages("cedar"))) == (jobs + 1, packages + 1)
