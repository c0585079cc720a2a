"""What a contract says of serving: on which kind of endpoint, how large, and how careful a new version is let on it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Final

from retide.domain.contract_settings import INSTANCE
from retide.domain.reader import Place
from retide.domain.settings import Choice, Count, Number, Size, Text

LONGEST_SHIFT: Final = 5400  # seconds of watching in all: the rollout machine waits no two hours
LONGEST_ANSWER: Final = 2500  # ms, of one record where a contract sets no limit: a busy laptop stays below it


class Profile(StrEnum):
    """`serverless` costs what it is asked; `instance` stands all the time, and takes a new version in steps."""

    SERVERLESS = "serverless"
    INSTANCE = "instance"


class Traffic(StrEnum):
    """How traffic moves to a new version on instances."""

    CANARY = "canary"
    LINEAR = "linear"
    AT_ONCE = "at once"


@dataclass(frozen=True, slots=True)
class Serving:
    """`latency_ms` is what 95 of 100 requests may take at most when a load is put on the endpoint; None: no limit.

    Of golden records the median answer may take that long, or LONGEST_ANSWER where there is no limit. All from
    `instance_type` on is about the profile `instance`. `step_percent` of the instances are new after the first step
    (of canary), or after each (of linear); each step is watched for `bake_seconds`. `shift_psi` is how far the answers
    of the new version may depart from those of the old one meanwhile.
    """

    profile: Annotated[Profile, Choice("what the endpoint runs on", tuple(Profile))] = Profile.SERVERLESS
    memory_mib: Annotated[int, Size("of the endpoint, MiB", (1024, 2048, 3072, 4096, 5120, 6144))] = 2048
    max_concurrency: Annotated[int, Count("how many requests at once", 1, 200)] = 5
    latency_ms: Annotated[int | None, Count("what 95 of 100 requests may take under load, ms")] = None
    keep_versions: Annotated[int, Count("how many versions that served stay ready to go back to", 1, 50)] = 3
    capture: Annotated[float, Number("how many requests are kept with their answers, percent", 0, 100)] = 0.0
    instance_type: Annotated[
        str, Text("of the endpoint", pattern=INSTANCE, noun="type of instance", like="ml.m5.large")
    ] = "ml.m5.large"
    instances: Annotated[int, Count("how many of them, at least", 1, 100)] = 2
    max_instances: Annotated[int | None, Count("how many of them under load; as many as there are", 1, 100)] = None
    requests_per_instance: Annotated[int, Count("how many requests a minute each is to be asked", 1)] = 6000
    traffic: Annotated[Traffic, Choice("how it moves to a new version", tuple(Traffic))] = Traffic.CANARY
    step_percent: Annotated[int, Count("of the instances are new after a step", 10, 50)] = 50
    bake_seconds: Annotated[int, Count("how long a step is watched", 60, 2400)] = 600
    shift_psi: Annotated[float, Number("how far answers may depart from the version before (PSI)", 0.01)] = 0.25

    @property
    def answer_ms(self) -> int:
        """What the median answer to a golden record may take, milliseconds."""
        return self.latency_ms or LONGEST_ANSWER

    @property
    def step_instances(self) -> int:
        """How many instances a step renews: at least one, and at most half of them."""
        return max(1, self.instances * self.step_percent // 100)

    @property
    def watched_seconds(self) -> int:
        """How long an update in steps is watched in all."""
        steps = {Traffic.CANARY: 2, Traffic.LINEAR: -(-self.instances // self.step_instances), Traffic.AT_ONCE: 1}
        return steps[self.traffic] * self.bake_seconds


def look_over_serving(serving: Serving, at: Place) -> None:
    if serving.profile is not Profile.INSTANCE:
        return
    if serving.watched_seconds > LONGEST_SHIFT:
        at.below("bake_seconds").problem(
            f"makes {serving.watched_seconds} s of watching in all; at most {LONGEST_SHIFT} s: watch steps for less "
            "long, or take larger ones"
        )
    if serving.max_instances is not None and serving.max_instances < serving.instances:
        at.below("max_instances").problem(f"is {serving.max_instances}: fewer than the {serving.instances} at least")
    if serving.traffic is not Traffic.AT_ONCE and serving.instances < 2:
        at.below("instances").problem(
            f"is {serving.instances}: traffic moves by {serving.traffic} between at least 2; or say `traffic: at once`"
        )
