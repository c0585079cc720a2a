"""How many instances an endpoint may have: told by who holds it, as the contract says now."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from retide.domain.contract import Profile, Serving
from retide.domain.hosting import Scaling
from retide.ledger import Ledger
from retide.ports import EndpointState, Fenced
from retide.steps.set_scaling import SetScalingRequest, SettingScaling, set_scaling
from tests.fakes import FakeClock, FakeEndpoints, FakeScalers, FakeTable

ENDPOINT = "retide-dev-m-instances"


@dataclass
class Scene:
    ledger: Ledger = field(default_factory=lambda: Ledger(FakeTable(), FakeClock()))
    endpoints: FakeEndpoints = field(default_factory=lambda: FakeEndpoints({ENDPOINT: EndpointState("InService", "c")}))
    scalers: FakeScalers = field(default_factory=FakeScalers)

    def set(self, fence: int = 1, most: int | None = 5, *, hold: bool = False) -> str:
        serving = Serving(profile=Profile.INSTANCE, max_instances=most, requests_per_instance=900)
        parts = SettingScaling(self.ledger, self.endpoints, self.scalers, serving)
        return set_scaling(SetScalingRequest("m", fence, ENDPOINT, hold), parts).outcome


@pytest.fixture
def scene() -> Scene:
    scene = Scene()
    assert scene.ledger.take_endpoint("m", scene.ledger.endpoint("m"), "arn:mine") == 1
    return scene


def test_the_contract_s_bounds_and_goal_hold_as_often_as_it_is_told(scene: Scene) -> None:
    assert [scene.set(), scene.set()] == ["2 to 5 instances"] * 2
    assert scene.scalers.kept == {ENDPOINT: Scaling(2, 5, 900)}


def test_a_contract_without_bounds_ends_scaling(scene: Scene) -> None:
    scene.set()
    assert scene.set(most=None) == "fixed"
    assert scene.scalers.kept == {}


def test_before_instances_change_their_type_nothing_scales(scene: Scene) -> None:
    scene.set()
    assert scene.set(hold=True) == "held"
    assert scene.scalers.kept == {}


def test_an_endpoint_that_is_gone_does_not_scale(scene: Scene) -> None:
    scene.set()
    scene.endpoints.states.clear()
    assert scene.set() == "fixed"
    assert scene.scalers.kept == {}


def test_who_does_not_hold_the_endpoint_says_nothing(scene: Scene) -> None:
    with pytest.raises(Fenced, match="passed on"):
        scene.set(fence=2)
    assert scene.scalers.kept == {}
