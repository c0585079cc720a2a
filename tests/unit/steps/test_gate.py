"""Gate and register: a decision that nobody can lose, about exactly this challenger."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from retide.domain.package import Facts
from retide.ports import Fenced, Status
from retide.steps.decide import DecideResult
from tests.unit.steps.world import World, artefact_digest


@pytest.fixture
def world() -> World:
    world = World()
    world.dispatch(world.put())
    world.accept_all("m-1-1", world.claim().fence)
    world.freeze()
    return world


def judged(world: World, **changes: Any) -> tuple[DecideResult, str]:
    plan = world.decide()
    world.evaluate(plan, **changes)
    return plan, world.gate(plan).outcome


def test_a_good_first_model_is_accepted_and_approved_by_policy(world: World) -> None:
    plan, outcome = judged(world)
    assert outcome == "accepted"
    assert world.register().outcome == "approved"
    (package,) = world.registry.packages
    assert package.status is Status.APPROVED
    assert package.model_data_url == f"s3://bucket/models/m/{plan.job}/output/model.tar.gz"
    facts = Facts.from_properties(package.facts)
    assert (facts.run, facts.job, facts.champion) == ("m-1-1", plan.job, 0)
    assert facts.artefact_digest == artefact_digest(plan.job)
    assert facts.record == "s3://bucket/runs/m/m-1-1/record.json"
    assert facts.decision_digest == hashlib.sha256(world.objects.get("runs/m/m-1-1/decision.json")).hexdigest()


def test_a_package_says_where_its_record_lies_and_what_later_data_and_models_are_compared_with(world: World) -> None:
    judged(world)
    world.register()
    (made,) = world.registry.created
    evaluation = world.objects.get("runs/m/m-1-1/evaluation/evaluation.json")
    profile = world.objects.get("datasets/m/d1/profile.json")
    assert made.evaluation.sha256 == hashlib.sha256(evaluation).hexdigest()
    assert made.profile
    assert (made.profile.uri, made.profile.sha256) == (
        "s3://bucket/datasets/m/d1/profile.json",
        hashlib.sha256(profile).hexdigest(),
    )
    card = json.loads(made.card)
    assert card["model_overview"]["model_artifact"] == [made.model_data_url]
    assert card["additional_information"]["custom_details"] == made.facts
    assert world.registry.packages[0].source == made.source == "s3://bucket/runs/m/m-1-1/record.json"


def test_a_model_below_the_floor_is_rejected_with_the_reason_in_the_registry(world: World) -> None:
    _, outcome = judged(world, score=0.6)
    assert outcome == "rejected"
    assert world.register().outcome == "rejected"
    (package,) = world.registry.packages
    assert package.status is Status.REJECTED
    assert "roc_auc ≥ 0.7" in package.reason


def test_a_sound_model_that_is_worse_than_the_champion_is_kept_out(world: World) -> None:
    _, outcome = judged(world, score=0.85, champion=0.9)
    assert outcome == "kept"
    assert world.register().outcome == "kept"
    assert world.registry.packages[0].status is Status.REJECTED


def test_where_the_contract_wants_a_person_the_package_stays_pending(world: World) -> None:
    world.contract["policy"] = {"min_rows": 50, "approval": "manual"}
    judged(world)
    assert world.register().outcome == "awaiting approval"
    assert world.registry.packages[0].status is Status.PENDING


def test_registering_twice_is_one_package(world: World) -> None:
    judged(world)
    first = world.register()
    world.registry.forget_tokens()
    assert world.register() == first
    assert len(world.registry.packages) == 1


def test_a_retry_does_not_overrule_a_person_who_judged_in_between(world: World) -> None:
    world.contract["policy"] = {"min_rows": 50, "approval": "manual"}
    judged(world)
    arn = world.register().package
    world.registry.judge(arn, Status.APPROVED, "by hand")
    world.register()
    assert world.registry.describe(arn).status is Status.APPROVED


def test_the_decision_is_written_with_every_finding(world: World) -> None:
    judged(world, score=0.6, champion=0.9)
    decision = json.loads(world.objects.get("runs/m/m-1-1/decision.json"))
    assert decision["outcome"] == "rejected"
    assert {finding["rule"]: finding["passed"] for finding in decision["findings"]} == {
        "floor": False,
        "baseline": True,
        "margin": False,
        "loss": False,
    }


@pytest.mark.parametrize(("name", "value"), [("dataset", "d9"), ("metric", "accuracy")])
def test_an_evaluation_of_something_else_decides_nothing(world: World, name: str, value: str) -> None:
    plan = world.decide()
    world.evaluate(plan)
    key = "runs/m/m-1-1/evaluation/evaluation.json"
    world.objects.put(key, json.dumps(json.loads(world.objects.get(key)) | {name: value}).encode())
    with pytest.raises(ValueError, match=f"the evaluation is of {name} '{value}'"):
        world.gate(plan)


def test_an_evaluation_that_is_no_evaluation_is_named_as_such(world: World) -> None:
    plan = world.decide()
    world.objects.put("runs/m/m-1-1/evaluation/evaluation.json", b'{"model": "m"}')
    with pytest.raises(ValueError, match=r"s3://bucket/.*evaluation.json is not what the evaluation job should write"):
        world.gate(plan)


def test_a_stale_holder_of_the_lease_neither_decides_nor_registers(world: World) -> None:
    plan, _ = judged(world)
    with pytest.raises(Fenced):
        world.gate(plan, fence=9)
    with pytest.raises(Fenced):
        world.register(fence=9)
    assert world.registry.packages == []
