"""A load: every failure is counted and named, and the figure that decides is the one that 95 of 100 answers keep."""

from __future__ import annotations

import shutil
from itertools import count
from pathlib import Path

import pytest

from retide.contracts import load
from retide.demo.load import Loaded, percentile, put
from retide.domain.reader import ContractError

MODELS = Path(__file__).resolve().parents[3] / "training/models"


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [((), 0.95, 0.0), ((3.0,), 0.95, 3.0), (tuple(range(1, 101)), 0.95, 95), ((4.0, 1.0, 3.0, 2.0), 0.5, 2.0)],
)
def test_a_percentile_is_the_smallest_value_that_the_share_does_not_exceed(
    values: tuple[float, ...], share: float, expected: float
) -> None:
    assert percentile(values, share) == expected


def test_every_request_of_a_load_is_either_answered_or_a_failure_with_its_reason() -> None:
    numbers = count()

    def ask() -> None:
        if next(numbers) % 4 == 0:
            raise ConnectionError("no\nroute")

    answered, failed = put(ask, requests=40, at_once=4)
    assert (len(answered), set(failed), len(failed)) == (30, {"no route"}, 10)


def test_one_failure_is_one_too_many() -> None:
    (problem,) = Loaded("tumour", (0.1,) * 99, ("no route",), None).problems
    assert problem == "1 of 100 requests failed, as: no route"


def test_answers_slower_than_the_contract_allows_are_a_problem_and_without_a_limit_none() -> None:
    slow = (0.01,) * 90 + (0.5,) * 10
    (problem,) = Loaded("tumour", slow, (), 100).problems
    assert problem == "95 of 100 answers took up to 500 ms, the contract allows 100"
    assert Loaded("tumour", slow, (), 500).problems == ()
    assert Loaded("tumour", slow, (), None).problems == ()


def test_a_contract_may_say_how_fast_its_endpoint_must_be(tmp_path: Path) -> None:
    shutil.copytree(MODELS / "tumour", tmp_path / "tumour")
    contract = tmp_path / "tumour/contract.yaml"
    before = load(tmp_path / "tumour")
    contract.write_text(contract.read_text() + "serving:\n  latency_ms: 250\n")
    assert (before.serving.latency_ms, load(tmp_path / "tumour").serving.latency_ms) == (None, 250)
    contract.write_text(contract.read_text().replace("250", "0"))
    with pytest.raises(ContractError, match="latency_ms"):
        load(tmp_path / "tumour")


def test_a_load_that_nothing_answered_is_a_failure_and_no_speed() -> None:
    (problem,) = Loaded("tumour", (), ("gone",) * 5, 100).problems
    assert problem.startswith("5 of 5 requests failed")
