"""Deployments, bad candidates and rollbacks through the whole machine while the endpoint is asked all the time."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from retide.local.cloud import Running
from tests.loop.command_line import CommandLine, Ended
from tests.loop.story import rows
from tests.loop.story.candidates import Candidates, Load
from tests.loop.story.stage import PATIENCE_SECONDS, Item, Stage
from tests.patience import eventually

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(3600)]
MODEL: Final = "squall"
GUST: Final = "gust"
ENDPOINT: Final = f"retide-dev-{GUST}-instances"
MINUTE: Final = 60
RECORDS: Final = [{"height": height / 20, "mood": "steady"} for height in range(-40, 41)]
DEPLOYMENTS: Final = 20
BAD: Final = {
    "crashes": "before it took any traffic: the endpoint is Failed",
    "wrong": "before it took any traffic: golden record",
    "slow": "before it took any traffic: a golden record takes",
    "fails": "before it took any traffic: the endpoint does not answer the golden records",
    "fails under load": "before it took any traffic: under load, the endpoint does not answer the golden records",
}
"""How a candidate is bad, and how the reason of its rollback begins."""
BAD_ON_INSTANCES: Final = {
    "shifted": "alarm(s) went into ALARM state: [retide-dev-gust-shift]",
    "slow": "alarm(s) went into ALARM state: [retide-dev-gust-latency]",
    "fails under load": "alarm(s) went into ALARM state: [retide-dev-gust-errors]",
    "crashes": "SageMaker went back to",
    "slightly wrong": "golden record",
}
"""The same of instances, where it begins with a part of the traffic. The first needs the cloud's clock unmoved."""


@pytest.fixture
def retide(story_cloud: Running, tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path / "home", story_cloud.environment())


@pytest.fixture
def candidates(stage: Stage, story_cloud: Running) -> Iterator[Candidates]:
    """A model that serves, and waits that are over soon."""
    story_cloud.change_time(wait_scale=0.2)
    served(stage, MODEL)
    yield Candidates(stage, MODEL)
    story_cloud.change_time(wait_scale=1)


def served(stage: Stage, model: str) -> None:
    if not stage.served(model):
        sent = stage.put(f"incoming/{model}/first.csv", rows.fragile("steady", batch="first", rows=100))
        stage.outcome(model, sent)
        eventually(lambda: stage.served(model) and stage.rests(model), f"{model} serves", PATIENCE_SECONDS)


def rolled_out(stage: Stage, version: int, model: str = MODEL) -> Item:
    return stage.rollout(model, version)


def test_twenty_deployments_and_rollbacks_under_load_fail_no_request(
    stage: Stage, candidates: Candidates, retide: CommandLine
) -> None:
    """Every fourth is a rollback by a person; each answer is of a version that was approved at that time."""
    allowed, took = {stage.served(MODEL)}, []
    with Load(stage, MODEL, RECORDS).running() as load:
        for number in range(DEPLOYMENTS):
            began = time.monotonic()
            if number % 4 == 3:
                served = stage.served(MODEL)
                ended = retide("rollback", MODEL, "--reason", f"number {number}", "--watch")
                assert ended.status == 0, ended.err
                assert stage.served(MODEL) < served
                took.append(time.monotonic() - began)
            else:
                version = candidates.approved()
                allowed.add(version)
                assert rolled_out(stage, version)["verdict"] == "promoted", stage.rollout(MODEL, version)
    asked = sum(load.answers.values())
    print(f"{asked} answers by {len(load.answers)} versions, rollbacks took {[f'{one:.1f}' for one in took]} s")
    assert load.failures == []
    assert load.anonymous == 0
    assert set(load.answers) <= allowed
    assert asked > DEPLOYMENTS
    _nothing_is_left_behind(stage, f"retide-dev-{MODEL}")


@pytest.mark.parametrize("how", BAD)
def test_a_bad_candidate_is_rolled_back_while_the_old_one_serves(
    stage: Stage, candidates: Candidates, how: str
) -> None:
    before = stage.served(MODEL)
    with Load(stage, MODEL, RECORDS).running() as load:
        version = candidates.approved(how)
        release = rolled_out(stage, version)
    print(f"{how}: {release['verdict']}: {release['reason']}; {sum(load.answers.values())} answers meanwhile")
    assert release["verdict"] == "rolled back"
    assert str(release["reason"]).startswith(BAD[how])
    assert load.failures == []
    assert set(load.answers) == {before} == {stage.served(MODEL)}
    (package,) = [arn for arn in stage.packages(MODEL, "Rejected") if arn.endswith(f"/{version}")]
    described = stage.client("sagemaker").describe_model_package(ModelPackageName=package)
    assert described["ApprovalDescription"].startswith("withdrawn: ")
    _nothing_is_left_behind(stage, f"retide-dev-{MODEL}")


@pytest.fixture
def on_instances(stage: Stage, story_cloud: Running) -> Iterator[Candidates]:
    """A model that serves on instances, its alarms at rest."""
    story_cloud.change_time(wait_scale=0.2)
    served(stage, GUST)
    if any(alarm["StateValue"] == "ALARM" for alarm in alarms(stage)):
        story_cloud.change_time(advance=2 * MINUTE)  # of an alarm's period nothing is left
    yield Candidates(stage, GUST)
    story_cloud.change_time(wait_scale=1)


def alarms(stage: Stage) -> list[dict[str, Any]]:
    found = stage.client("cloudwatch").describe_alarms(AlarmNamePrefix=f"retide-dev-{GUST}-")["MetricAlarms"]
    assert {alarm["AlarmName"].rpartition("-")[2] for alarm in found} == {"errors", "latency", "shift"}
    return list(found)


@pytest.mark.parametrize("how", BAD_ON_INSTANCES)
def test_a_bad_candidate_on_instances_is_rolled_back_by_what_it_does_to_a_part_of_the_traffic(
    stage: Stage, story_cloud: Running, on_instances: Candidates, how: str
) -> None:
    before = stage.served(GUST)
    with Load(stage, GUST, RECORDS, ENDPOINT).running() as load:
        version = on_instances.approved(how)
        if how in ("crashes", "slightly wrong"):  # it is waited for eight minutes; no alarm sees the other
            passes_by_itself(stage, story_cloud)
        release = rolled_out(stage, version, GUST)
    print(
        f"{how}: {release['verdict']}: {release['reason']}; answers {dict(load.answers)}, {len(load.failures)} failed"
    )
    assert release["verdict"] == "rolled back"
    assert BAD_ON_INSTANCES[how] in str(release["reason"])
    assert set(load.answers) <= {before, version}
    assert load.answers[before] > (0 if how == "slightly wrong" else load.answers[version])  # seen after the last step
    assert bool(load.failures) is (how == "fails under load")
    assert version in stage.ledger().endpoint(GUST).withdrawn
    with Load(stage, GUST, RECORDS, ENDPOINT).running() as after:
        time.sleep(1)
    assert (after.failures, set(after.answers)) == ([], {before})
    _nothing_is_left_behind(stage, ENDPOINT)


def test_a_good_candidate_on_instances_takes_the_traffic_in_steps(
    stage: Stage, story_cloud: Running, on_instances: Candidates
) -> None:
    before = stage.served(GUST)
    with Load(stage, GUST, RECORDS, ENDPOINT).running() as load:
        version = on_instances.approved()
        passes_by_itself(stage, story_cloud)
        release = rolled_out(stage, version, GUST)
    print(f"good: {release['verdict']}: {release['reason']}; answers {dict(load.answers)}")
    assert (release["verdict"], stage.served(GUST)) == ("promoted", version), release
    assert load.failures == []
    assert set(load.answers) == {before, version}


def test_a_challenger_in_the_shadow_is_found_to_be_worse_and_nobody_has_heard_it(
    stage: Stage, on_instances: Candidates, retide: CommandLine, tmp_path: Path
) -> None:
    before, doubtful = stage.served(GUST), on_instances.waiting("doubtful")
    asked(retide("ab", "start", GUST, "--challenger", str(doubtful), "--shadow", "--watch"))
    truth = tmp_path / "truth.csv"
    truth.write_bytes(rows.fragile("steady", batch="truth", rows=100))
    ask(stage, truth)
    told = eventually(lambda: _all_compared(retide, truth), "all answers are captured", PATIENCE_SECONDS)
    assert told["gain"]["high"] < 0, told["gain"]
    assert told["agreement"]["same"] == told["agreement"]["answers"] == 100
    print("shadow:", asked(retide("ab", "status", GUST, "--truth", str(truth))))
    asked(retide("ab", "stop", GUST, "--watch"))
    assert (stage.served(GUST), stage.ledger().ab_tests(GUST)[-1].outcome) == (before, "stopped")


def test_a_challenger_answers_half_of_the_requests_and_is_then_promoted_in_steps(
    stage: Stage, story_cloud: Running, on_instances: Candidates, retide: CommandLine, tmp_path: Path
) -> None:
    before, good = stage.served(GUST), on_instances.waiting()
    truth = tmp_path / "truth.csv"
    truth.write_bytes(rows.fragile("steady", batch="halves", rows=100))
    with Load(stage, GUST, RECORDS, ENDPOINT).running() as load:
        asked(retide("ab", "start", GUST, "--challenger", str(good), "--weight", "0.5", "--watch"))
        ask(stage, truth)
        print("halves:", asked(retide("ab", "status", GUST, "--truth", str(truth))))
        asked(retide("ab", "stop", GUST, "--promote", "--reason", "as good"))
        eventually(lambda: not stage.ledger().endpoint(GUST).ab_serving, "the champion serves alone", PATIENCE_SECONDS)
        passes_by_itself(stage, story_cloud)
        eventually(lambda: stage.served(GUST) == good or None, f"version {good} serves", PATIENCE_SECONDS)
    assert load.failures == []
    assert set(load.answers) == {before, good}
    assert stage.ledger().ab_tests(GUST)[-1].outcome == "promoted"


def asked(ended: Ended) -> str:
    assert ended.status == 0, ended.err
    return ended.out


def ask(stage: Stage, file: Path) -> None:
    """Every row of a file, each under its id."""
    client = stage.client("sagemaker-runtime")
    for row in csv.DictReader(file.read_text().splitlines()):
        record = {"height": float(row["height"]), "mood": row["mood"]}
        client.invoke_endpoint(
            EndpointName=ENDPOINT,
            InferenceId=row["row_id"],
            ContentType="application/json",
            Body=json.dumps({"records": [record]}),
        )


def _all_compared(retide: CommandLine, truth: Path) -> dict[str, Any] | None:
    told: dict[str, Any] = json.loads(asked(retide("ab", "status", GUST, "--truth", str(truth), "--json")))
    return told if told["champion"]["scored"] == told["challenger"]["scored"] == 100 else None


def passes_by_itself(stage: Stage, cloud: Running) -> None:
    """The minutes of its steps go by, and in each the shift is looked at."""

    def updating() -> bool:
        status = stage.client("sagemaker").describe_endpoint(EndpointName=ENDPOINT)["EndpointStatus"]
        return bool(status == "Updating")

    eventually(updating, "the update of the endpoint", PATIENCE_SECONDS)
    while updating():
        time.sleep(8)
        cloud.change_time(advance=MINUTE)


def _nothing_is_left_behind(stage: Stage, endpoint: str) -> None:
    """Of all the versions only those that serve or may be gone back to have a model and a config; no trial goes on."""
    sagemaker, start = stage.client("sagemaker"), f"{endpoint}-v"
    configs = sagemaker.list_endpoint_configs(NameContains=start, MaxResults=100)["EndpointConfigs"]
    models = sagemaker.list_models(NameContains=start, MaxResults=100)["Models"]
    assert len(configs) <= 5
    assert len(models) <= 5
    eventually(lambda: not sagemaker.list_endpoints(NameContains=start)["Endpoints"], "the end of all trials")
