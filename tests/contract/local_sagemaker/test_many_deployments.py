"""Deployments and rollbacks without end under constant load: no request fails, and every answer has its version."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Self

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from tests.contract.local_sagemaker.bench import Bench, model_archive
from tests.contract.local_sagemaker.test_guardrails import PAIR, alarm, canary, until_baking
from tests.patience import eventually

ENDPOINT: Final = "restless"
ALARM: Final = "restless-5xx"
CLIENTS: Final = 2
BETWEEN_QUESTIONS: Final = 0.02  # seconds: the load is constant, and the machine has room for what is deployed
FEW: Final = 4
MANY: Final = int(os.environ.get("DEPLOYMENTS", "1000"))  # of a night; fewer where it is told in parts


@dataclass(frozen=True, slots=True)
class Answer:
    asked: float
    answered: float
    version: str


class Load:
    """Clients that ask all the time; what they were answered, and what failed."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._enough = threading.Event()
        self._clients = [threading.Thread(target=self._ask) for _ in range(CLIENTS)]
        self.answers: list[Answer] = []
        self.failures: list[Exception] = []

    def __enter__(self) -> Self:
        for client in self._clients:
            client.start()
        eventually(lambda: self.answers, "the endpoint answers")
        return self

    def __exit__(self, *_: object) -> None:
        self._enough.set()
        for client in self._clients:
            client.join()

    def _ask(self) -> None:
        while not self._enough.wait(BETWEEN_QUESTIONS):
            asked = time.monotonic()
            try:
                version = self._bench.invoke(ENDPOINT)["version"]
            except (BotoCoreError, ClientError) as failure:
                self.failures.append(failure)
            else:
                self.answers.append(Answer(asked, time.monotonic(), version))


class Story:
    """What was deployed, one version after the other; `spans` says when each of them could answer."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._standing = "v0"
        self.spans: dict[str, tuple[float, float]] = {"v0": (time.monotonic(), float("inf"))}

    def begin(self) -> None:
        self._bench.put("models/v0.tar.gz", model_archive("v0"))
        self._bench.config("v0", "v0", **PAIR)
        self._bench.endpoint(ENDPOINT, "v0")
        alarm(self._bench, ALARM, ENDPOINT)

    def promoted_at_once(self, version: str) -> None:
        self._bench.sagemaker.update_endpoint(EndpointName=ENDPOINT, EndpointConfigName=version)
        self._settle(version, promoted=True)

    def promoted_after_a_canary(self, version: str) -> None:
        self._shift(version)
        stage = until_baking(self._bench, ENDPOINT)
        self._bench.advance(300)
        first = stage["ProductionVariants"][0]["VariantStatus"][0]["StartTime"]
        eventually(lambda: _stage_start(self._bench) != first, "the new fleet serves all")
        self._bench.advance(300)
        self._settle(version, promoted=True)

    def rolled_back_by_an_alarm(self, version: str) -> None:
        self._shift(version)
        until_baking(self._bench, ENDPOINT)
        cloudwatch = self._bench.client("cloudwatch")
        cloudwatch.set_alarm_state(AlarmName=ALARM, StateValue="ALARM", StateReason="a drill")
        self._settle(version, promoted=False)
        cloudwatch.set_alarm_state(AlarmName=ALARM, StateValue="OK", StateReason="the drill is over")

    def dead_at_load(self, version: str) -> None:
        self._bench.sagemaker.update_endpoint(EndpointName=ENDPOINT, EndpointConfigName=version)
        self._settle(version, promoted=False)

    def deploy(self, number: int) -> None:
        kinds: tuple[Callable[[str], None], ...] = (
            self.promoted_at_once,
            self.rolled_back_by_an_alarm,
            self.promoted_after_a_canary,
            self.dead_at_load,
        )
        kind, version = kinds[number % len(kinds)], f"v{number + 1}"
        inside = "broken" if kind == self.dead_at_load else version
        self._bench.put(f"models/{version}.tar.gz", model_archive(inside))
        self._bench.config(version, version, **PAIR)
        self.spans[version] = (time.monotonic(), float("inf"))
        kind(version)
        self._forget(version)

    def _shift(self, version: str) -> None:
        self._bench.sagemaker.update_endpoint(
            EndpointName=ENDPOINT, EndpointConfigName=version, DeploymentConfig=canary(50, ALARM)
        )

    def _settle(self, version: str, *, promoted: bool) -> None:
        settled = self._bench.settled(ENDPOINT)
        ended = self._standing if promoted else version
        self._standing = version if promoted else self._standing
        assert (settled["EndpointStatus"], settled["EndpointConfigName"]) == ("InService", self._standing)
        assert ("FailureReason" in settled) is not promoted
        self.spans[ended] = (self.spans[ended][0], time.monotonic())

    def _forget(self, version: str) -> None:
        """What serves needs neither: a configuration and a model are paper."""
        self._bench.sagemaker.delete_endpoint_config(EndpointConfigName=version)
        self._bench.sagemaker.delete_model(ModelName=version)


def _stage_start(bench: Bench) -> object:
    pending = bench.sagemaker.describe_endpoint(EndpointName=ENDPOINT).get("PendingDeploymentSummary", {})
    variants = pending.get("ProductionVariants", [{}])
    return next(stage.get("StartTime") for stage in variants[0].get("VariantStatus", [{}]))


def strangers(story: Story, load: Load) -> Iterator[Answer]:
    """Answers by versions that could not answer at any moment between question and answer."""
    for answer in load.answers:
        begun, ended = story.spans.get(answer.version, (float("inf"), 0.0))
        if answer.answered < begun or answer.asked > ended:
            yield answer


@pytest.mark.parametrize("count", [FEW, pytest.param(MANY, marks=pytest.mark.nightly)])
def test_deployments_and_rollbacks_under_constant_load_fail_no_request(bench: Bench, count: int) -> None:
    story = Story(bench)
    story.begin()

    with Load(bench) as load:
        for number in range(count):
            story.deploy(number)
    bench.sagemaker.delete_endpoint(EndpointName=ENDPOINT)
    eventually(lambda: not bench.sagemaker.list_endpoints(NameContains=ENDPOINT)["Endpoints"], "it is gone")
    bench.sagemaker.delete_endpoint_config(EndpointConfigName="v0")
    bench.sagemaker.delete_model(ModelName="v0")

    assert load.failures == []
    assert list(strangers(story, load)) == []
    print(f"{count} deployments, {len(load.answers)} answers, {len({a.version for a in load.answers})} versions")
