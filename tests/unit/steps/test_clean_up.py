"""Clean up: what nothing refers to goes, and nothing that serves, or that may be gone back to."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retide.domain.contract import Contract, parse
from retide.domain.ledger import Champion, Release
from retide.ledger import Ledger
from retide.ports import EndpointState, Fenced, Kind
from retide.steps.clean_up import Cleaning, CleanUpRequest, clean_up
from tests.fakes import FakeClock, FakeEndpoints, FakeHosting, FakeTable
from tests.unit.steps.world import CONTRACT, World

ENDPOINT = "retide-dev-m"


def config(version: int) -> str:
    return f"{ENDPOINT}-v{version}-00000{version}"


@dataclass
class Scene:
    """Versions that were rolled out one after the other; `keep` is how many are kept for going back."""

    keep: int = 2
    table: FakeTable = field(default_factory=FakeTable)
    clock: FakeClock = field(default_factory=FakeClock)
    endpoints: FakeEndpoints = field(default_factory=FakeEndpoints)
    hosting: FakeHosting = field(default_factory=FakeHosting)

    def __post_init__(self) -> None:
        self.ledger = Ledger(self.table, self.clock)

    @property
    def contract(self) -> Contract:
        return parse({**CONTRACT, "serving": {"keep_versions": self.keep}}, "m")

    def roll_out(self, version: int, outcome: str = "healthy", *, trial: bool = False) -> tuple[str, ...]:
        """A whole rollout; what its cleaning took away."""
        name, before = config(version), self.endpoints.states.get(ENDPOINT)
        fence = self.ledger.take_endpoint("m", self.ledger.endpoint("m"), f"arn:{version}") or 0
        self.hosting.made[Kind.MODEL].append(name)
        self.hosting.made[Kind.CONFIG].append(name)
        self.hosting.refers[name] = (name,)
        if trial:
            self.hosting.made[Kind.ENDPOINT].append(name)
        if outcome == "healthy":
            self.endpoints.states[ENDPOINT] = EndpointState("InService", name)
        deleted = self.clean(version, outcome, fence, before.config if before else "")
        self.end(version, outcome, fence)
        return deleted

    def clean(self, version: int, outcome: str, fence: int, previous: str) -> tuple[str, ...]:
        request = CleanUpRequest("m", fence, ENDPOINT, config(version), previous, outcome)
        parts = Cleaning(self.ledger, self.endpoints, self.hosting, self.contract)
        first = clean_up(request, parts)
        assert clean_up(request, parts).deleted == ()
        return first.deleted

    def end(self, version: int, outcome: str, fence: int) -> None:
        verdict = "promoted" if outcome == "healthy" else "rolled back"
        at = f"2026-01-01T00:{len(self.ledger.releases('m')):02d}"
        attempt = 1 + sum(one.version == version for one in self.ledger.releases("m"))
        release = Release(version, attempt, World.arn(version), verdict, "", at, config(version))
        if outcome == "healthy":
            crowned = Champion(World.arn(version), version, "j", "d", "c", "k", "m-1-1")
            self.ledger.promote("m", fence, release, crowned, ENDPOINT)
        else:
            self.ledger.give_up("m", fence, release, withdraw=True)

    @property
    def left(self) -> dict[str, list[str]]:
        return {kind.value: sorted(self.hosting.made[kind]) for kind in Kind}


def test_the_last_versions_that_served_stay_and_what_is_older_goes() -> None:
    scene = Scene(keep=2)
    deleted = [scene.roll_out(version) for version in (1, 2, 3, 4)]
    assert deleted == [(), (), (), (config(1), config(1))]
    assert scene.left["endpoint config"] == scene.left["model"] == [config(2), config(3), config(4)]


def test_a_version_that_was_no_good_leaves_nothing_and_takes_nothing_from_what_serves() -> None:
    scene = Scene(keep=1)
    scene.roll_out(1)
    assert scene.roll_out(2, "wrong answers", trial=True) == (config(2), config(2), config(2))
    assert scene.left == {"endpoint": [], "endpoint config": [config(1)], "model": [config(1)]}


def test_models_of_a_config_that_somebody_else_serves_stay() -> None:
    """As of a test of two versions side by side."""
    scene = Scene(keep=1)
    for version in (1, 2, 3):
        scene.roll_out(version)
    scene.hosting.made[Kind.MODEL].append(config(1))
    scene.hosting.refers["both"] = (config(1), config(3))
    scene.endpoints.states[ENDPOINT] = EndpointState("InService", "both")
    scene.roll_out(4, "wrong answers")
    assert scene.left["model"] == [config(1), config(3)]


def test_what_another_model_made_stays() -> None:
    scene = Scene(keep=1)
    others = ["retide-dev-m-v1-v1-000001", "retide-dev-m2-v1-000001", "retide-dev-m-v1-by-hand", "retide-dev-m"]
    scene.hosting.made[Kind.MODEL] += others
    scene.hosting.made[Kind.ENDPOINT] += others
    scene.roll_out(1)
    assert scene.left["endpoint"] == sorted(others)
    assert scene.left["model"] == sorted([*others, config(1)])


def test_a_trial_endpoint_that_is_still_being_made_is_left_to_a_later_rollout() -> None:
    scene = Scene()
    scene.roll_out(1)
    scene.hosting.made[Kind.ENDPOINT].append(config(9))
    scene.hosting.busy.add(config(9))
    scene.roll_out(2)
    assert scene.left["endpoint"] == [config(9)]
    scene.hosting.busy.clear()
    scene.roll_out(3)
    assert scene.left["endpoint"] == []


def test_who_does_not_hold_the_endpoint_takes_nothing_away() -> None:
    scene = Scene()
    scene.roll_out(1)
    scene.hosting.made[Kind.CONFIG].append(config(2))
    with pytest.raises(Fenced):
        scene.clean(2, "healthy", 1, config(1))
    assert config(2) in scene.left["endpoint config"]


@settings(deadline=None)
@given(
    rollouts=st.lists(st.tuples(st.integers(1, 6), st.sampled_from(["healthy", "wrong answers"])), max_size=12),
    keep=st.integers(1, 3),
)
def test_whatever_was_rolled_out_nothing_that_serves_or_is_kept_is_missing(
    rollouts: list[tuple[int, str]], keep: int
) -> None:
    """I6, and no more than that many are left."""
    scene = Scene(keep)
    for version, outcome in rollouts:
        if version in scene.ledger.endpoint("m").withdrawn:
            continue
        for kind in (Kind.CONFIG, Kind.MODEL):
            if config(version) in scene.hosting.made[kind]:
                scene.hosting.made[kind].remove(config(version))  # made anew, as if it had never been
        scene.roll_out(version, outcome)
        serving = scene.endpoints.states.get(ENDPOINT)
        assert serving is None or {serving.config} <= {*scene.left["endpoint config"]} & {*scene.left["model"]}
        assert len(scene.left["endpoint config"]) <= keep + 2
