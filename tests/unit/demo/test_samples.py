"""The story's batches: new to a stage every time, sound by the contract, or damaged beyond doubt."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest

from retide.cli.failures import CliError
from retide.demo.samples import choose

MODELS = Path(__file__).resolve().parents[3] / "training/models"


def _rows(file: Path) -> list[dict[str, str]]:
    with file.open(newline="", encoding="utf-8") as text:
        return list(csv.DictReader(text))


def test_two_batches_hold_the_same_rows_under_other_ids_and_are_other_bytes(tmp_path: Path) -> None:
    sample = choose(MODELS, ("tumour",))
    first, again, second = (sample.batch(tmp_path / f"{n}.csv", salt) for n, salt in enumerate((1, 1, 2)))
    assert first.read_bytes() == again.read_bytes() != second.read_bytes()
    ids = [{row["sample_id"] for row in _rows(file)} for file in (first, second)]
    assert ids[0] & ids[1] == set()
    assert sorted(row["mean_radius"] for row in _rows(first)) == sorted(row["mean_radius"] for row in _rows(second))


def test_the_damaged_batch_lacks_what_is_to_be_predicted(tmp_path: Path) -> None:
    sample = choose(MODELS, ("tumour",))
    rows = _rows(sample.damaged(tmp_path / "damaged.csv", 1))
    assert rows
    assert "diagnosis" not in rows[0]


def test_the_story_is_told_with_the_favourite_or_else_with_any_that_has_a_sample(tmp_path: Path) -> None:
    assert choose(MODELS, ("diabetes", "tumour")).model == "tumour"
    assert choose(MODELS, ("diabetes", "unknown")).model == "diabetes"


def test_a_stage_without_a_model_for_the_story_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(CliError, match=r"no deployed model \(churn\) has both a sample.csv"):
        choose(MODELS, ("churn",))
    shutil.copytree(MODELS / "tumour", tmp_path / "tumour")
    contract = tmp_path / "tumour/contract.yaml"
    contract.write_text(contract.read_text().replace("approval: automatic", "approval: manual"))
    if "approval: manual" not in contract.read_text():
        contract.write_text(contract.read_text().replace("policy:\n", "policy:\n  approval: manual\n"))
    with pytest.raises(CliError, match="automatic approval"):
        choose(tmp_path, ("tumour",))
