"""Whoever can write the data bucket brings no other model to an endpoint: it is refused before anything is made."""

from __future__ import annotations

import hashlib
import io
import tracemalloc
from dataclasses import replace
from typing import Final

import pytest

from retide.domain.artefact import inspect
from retide.domain.package import MODEL_DIGEST
from tests.hostile_archives import ATTACKS, MEMBERS, OLDER, endless_zeros, pack
from tests.unit.steps.world import World, approved_event

MEMORY: Final = 32 << 20  # bytes; a million members held would be some 500 MB


def registered(members: dict[str, bytes]) -> World:
    """A deployment in which a model of these members was evaluated, registered and approved."""
    world = World(members=members)
    world.dispatch(world.put("incoming/m/a.csv"))
    world.run_to_package()
    world.dispatch(approved_event(1))
    return world


@pytest.fixture(scope="module")
def world() -> World:
    return registered(dict(MEMBERS))


def replaced(world: World, archive: bytes) -> str:
    """Why a rollout refuses the archive; nothing was asked of SageMaker by then. Empty where it would go on."""
    world.objects.put(f"models/m/{world.registry.packages[0].facts['job']}/output/model.tar.gz", archive)
    rollout = world.prepare()
    return rollout.reason if rollout.outcome == "refused" else ""


def test_the_archive_that_was_evaluated_is_served(world: World) -> None:
    assert replaced(world, pack(MEMBERS)) == ""


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_other_archive_is_served_and_none_takes_much_memory(attack: str, world: World) -> None:
    archive = ATTACKS[attack]()
    tracemalloc.start()
    reason = replaced(world, archive)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert reason
    assert peak < MEMORY


@pytest.mark.nightly
def test_an_archive_that_would_unpack_to_more_than_a_model_may_be_is_given_up(world: World) -> None:
    assert "more than a model may" in replaced(world, endless_zeros())


def test_a_flipped_bit_in_any_byte_of_the_archive_is_refused(world: World) -> None:
    honest = pack(MEMBERS)
    for position in range(len(honest)):
        flipped = bytearray(honest)
        flipped[position] ^= 1 << position % 8
        assert replaced(world, bytes(flipped)), position


def test_a_flipped_bit_in_any_member_is_another_artefact() -> None:
    honest = inspect(io.BytesIO(pack(MEMBERS)))
    for name, data in MEMBERS.items():
        for position in range(len(data)):
            other = data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]
            assert inspect(io.BytesIO(pack({**MEMBERS, name: other}))).digest != honest.digest


def test_the_registry_binds_the_archive_its_members_and_what_the_server_looks_for(world: World) -> None:
    package = world.registry.packages[0]
    held = inspect(io.BytesIO(pack(MEMBERS)))
    assert package.facts["artefact_digest"] == package.environment[MODEL_DIGEST] == held.digest
    assert package.facts["archive_sha256"] == hashlib.sha256(pack(MEMBERS)).hexdigest()
    replaced(world, pack(MEMBERS))
    assert world.prepare().environment[MODEL_DIGEST] == held.digest


def test_two_models_whose_archives_change_places_are_both_refused() -> None:
    worlds = [registered(dict(members)) for members in (MEMBERS, OLDER)]
    archives = [pack(OLDER), pack(MEMBERS)]
    for world, other in zip(worlds, archives, strict=True):
        assert "was evaluated" in replaced(world, other)


def test_a_package_that_tells_the_server_another_digest_is_refused() -> None:
    world = registered(dict(MEMBERS))
    package = world.registry.packages[0]
    world.registry.packages[0] = replace(package, environment={**package.environment, MODEL_DIGEST: "0" * 64})
    assert "the server would look for" in replaced(world, pack(MEMBERS))


def test_a_model_that_was_exchanged_between_evaluation_and_registration_is_not_registered() -> None:
    world = World(members=dict(MEMBERS))
    world.dispatch(world.put("incoming/m/a.csv"))
    fence = world.claim().fence
    world.accept_all("m-1-1", fence)
    world.freeze()
    plan = world.decide()
    world.evaluate(plan)
    world.gate(plan)
    world.objects.put(f"models/m/{plan.job}/output/model.tar.gz", pack(OLDER))
    with pytest.raises(ValueError, match="was evaluated"):
        world.register()
    assert not world.registry.packages
