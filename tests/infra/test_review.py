"""A review of the real stacks: synthesised as `make review` does it, then changed by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from infra.review.costs import Prices
from infra.review.review import Side, StageReview, reviews
from infra.review.templates import Assembly
from scripts.review import Checkout, ReviewError
from tests.infra.conftest import ROOT


@pytest.fixture(scope="module")
def head(tmp_path_factory: pytest.TempPathFactory) -> Side:
    return Checkout("this checkout", ROOT).synthesise(tmp_path_factory.mktemp("review") / "head")


def changed(side: Side, old: str, new: str) -> Side:
    """The same side with some text of its templates and contracts replaced."""
    templates = {stage: assembly.stacks for stage, assembly in side.assemblies.items()}
    text = json.dumps([templates, side.models])
    assert old in text
    stacks, models = json.loads(text.replace(old, new))
    return Side({stage: Assembly(of_stage) for stage, of_stage in stacks.items()}, models)


def of_stages(base: Side, head: Side) -> StageReview:
    """Staging and prod, which must have changed alike."""
    (found,) = (one for one in reviews(base, head, Prices.load()) if "staging" in one.stages)
    assert found.stages == ("staging", "prod")
    return found


def test_the_stacks_of_every_stage_and_road_are_reviewed(head: Side) -> None:
    assert list(head.assemblies) == ["staging", "prod", "delivery", "github"]
    assert set(head.models) == {path.parent.name for path in ROOT.glob("training/models/*/contract.yaml")}


def test_a_checkout_held_against_itself_changes_nothing(head: Side) -> None:
    assert reviews(head, head, Prices.load()) == []


def test_a_widened_grant_of_a_real_role_is_found_in_both_stages_at_once(head: Side) -> None:
    told = of_stages(head, changed(head, '"states:StartExecution"', '"states:*"'))
    whos = {one.who for one in told.broadenings}
    assert "retide-(stage)-retraining/dispatch/Role" in whos
    assert all("states:*" in line for one in told.broadenings for line in one.lines)


def test_a_renamed_machine_is_told_as_replaced(head: Side) -> None:
    told = of_stages(head, changed(head, '"StateMachineName": "retide-(stage)-retrain"', '"StateMachineName": "other"'))
    assert [(str(one.place), one.effect.value) for one in told.risks] == [
        ("retide-(stage)-retraining/Retrain/Machine", "REPLACED")
    ]


def test_more_memory_for_an_endpoint_costs_more_and_changes_no_permission(head: Side) -> None:
    model = min(head.models)
    memory = f'"memory_mib": {head.models[model]["serving"]["memory_mib"]}'
    told = of_stages(head, changed(head, memory, '"memory_mib": 6144'))
    assert model in {cost.what for cost in told.costs if cost.unit == "1,000 predictions"}
    assert all((cost.after or 0) > (cost.before or 0) for cost in told.costs)
    assert told.broadenings == ()


def test_the_real_stages_have_a_price_for_all_that_they_name(head: Side) -> None:
    told = of_stages(Side({}, {}), head)
    assert {cost.unit for cost in told.costs} == {"a month at rest", "a retrain", "1,000 predictions"}
    assert [cost.what for cost in told.costs if cost.after is None] == []
    assert any(cost.what.endswith("(polling)") for cost in told.costs)


def test_a_checkout_that_cannot_be_synthesised_ends_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(ReviewError, match=r"^the base cannot be synthesised: it has no infra/assemble\.py"):
        Checkout("the base", tmp_path).synthesise(tmp_path / "target")
