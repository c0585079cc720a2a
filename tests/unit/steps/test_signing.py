"""Where a stage signs artefacts, only what it signed is served: no entry of the registry can be copied or altered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.fakes import FakeSignatures
from tests.hostile_archives import MEMBERS
from tests.unit.steps.world import World, approved_event


def registered(signatures: FakeSignatures | None) -> World:
    world = World(members=dict(MEMBERS), signatures=signatures)
    world.dispatch(world.put("incoming/m/a.csv"))
    world.run_to_package()
    world.dispatch(approved_event(1))
    return world


def altered(world: World, **facts: str) -> str:
    """Why a rollout refuses the version with these facts in the registry; empty where it goes on."""
    package = world.registry.packages[0]
    world.registry.packages[0] = replace(package, facts={**package.facts, **facts})
    rollout = world.prepare()
    return rollout.reason if rollout.outcome == "refused" else ""


def test_what_was_signed_is_served() -> None:
    world = registered(FakeSignatures())
    assert world.registry.packages[0].facts["signature"] != "none"
    assert altered(world) == ""


def test_a_stage_that_signs_nothing_asks_for_no_signature() -> None:
    world = registered(None)
    assert world.registry.packages[0].facts["signature"] == "none"
    assert altered(world) == ""


@pytest.mark.parametrize(
    "change",
    [
        lambda facts: {"archive_sha256": "0" * 64},
        lambda facts: {"certificate_sha256": "0" * 64},
        lambda facts: {"signature": facts["signature"][::-1]},
        lambda facts: {"signature": "no base64"},
        lambda facts: {"signature": f"BBBB{facts['signature'][4:]}"},
    ],
)
def test_an_entry_that_was_altered_is_refused(change: Callable[[dict[str, str]], dict[str, str]]) -> None:
    world = registered(FakeSignatures())
    reason = altered(world, **change(dict(world.registry.packages[0].facts)))
    assert reason == "its signature is not this stage's of this artefact: the registry's entry was altered or copied"


def test_another_key_signs_nothing_for_this_stage() -> None:
    world = registered(FakeSignatures(key=b"o" * 32))
    world.signatures = FakeSignatures()
    assert "not this stage's" in altered(world)


def test_what_was_registered_before_signing_is_refused_with_what_to_do() -> None:
    world = registered(None)
    world.signatures = FakeSignatures()
    assert altered(world) == (
        "it has no signature, and this stage serves only what is signed: retrain for a version that is"
    )
