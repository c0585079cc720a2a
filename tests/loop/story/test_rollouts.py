"""Deployments, bad candidates and rollbacks through the whole machine while the endpoint is asked all the time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from retide.local.cloud import Running
from tests.loop.command_line import CommandLine
from tests.loop.story import rows
from tests.loop.story.candidates import Candidates, Load
from tests.loop.story.stage import PATIENCE_SECONDS, Item, Stage
from tests.patience import eventually

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(3600)]
MODEL: Final = "squall"
RECORD: Final = {"height": 0.5, "mood": "steady"}
DEPLOYMENTS: Final = 20
BAD: Final = {
    "crashes": "before it took any traffic: the endpoint is Failed",
    "wrong": "before it took any traffic: golden record",
    "slow": "before it took any traffic: a golden record takes",
    "fails": "before it took any traffic: the endpoint does not answer the golden records",
}
"""How a candidate is bad, and how the reason of its rollback begins."""


@pytest.fixture
def retide(story_cloud: Running, tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path / "home", story_cloud.environment())


@pytest.fixture
def candidates(stage: Stage, story_cloud: Running) -> Iterator[Candidates]:
    """A model that serves, and waits that are over soon."""
    story_cloud.change_time(wait_scale=0.2)
    if not stage.served(MODEL):
        sent = stage.put(f"incoming/{MODEL}/first.csv", rows.fragile("steady", batch="first", rows=100))
        stage.outcome(MODEL, sent)
        eventually(lambda: stage.served(MODEL) and stage.rests(MODEL), f"{MODEL} serves", PATIENCE_SECONDS)
    yield Candidates(stage, MODEL)
    story_cloud.change_time(wait_scale=1)


def rolled_out(stage: Stage, version: int) -> Item:
    return stage.rollout(MODEL, version)


def test_twenty_deployments_and_rollbacks_under_load_fail_no_request(
    stage: Stage, candidates: Candidates, retide: CommandLine
) -> None:
    """Every fourth is a rollback by a person; each answer is of a version that was approved at that time."""
    allowed, took = {stage.served(MODEL)}, []
    with Load(stage, MODEL, RECORD).running() as load:
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
    _nothing_is_left_behind(stage)


@pytest.mark.parametrize("how", BAD)
def test_a_bad_candidate_is_rolled_back_while_the_old_one_serves(
    stage: Stage, candidates: Candidates, how: str
) -> None:
    before = stage.served(MODEL)
    with Load(stage, MODEL, RECORD).running() as load:
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
    _nothing_is_left_behind(stage)


def _nothing_is_left_behind(stage: Stage) -> None:
    """Of all the versions only those that serve or may be gone back to have a model and a config; no trial goes on."""
    sagemaker, start = stage.client("sagemaker"), f"retide-dev-{MODEL}-v"
    configs = sagemaker.list_endpoint_configs(NameContains=start, MaxResults=100)["EndpointConfigs"]
    models = sagemaker.list_models(NameContains=start, MaxResults=100)["Models"]
    assert len(configs) <= 5
    assert len(models) <= 5
    eventually(lambda: not sagemaker.list_endpoints(NameContains=start)["Endpoints"], "the end of all trials")
