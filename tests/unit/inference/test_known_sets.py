"""Real sets: what is drafted of each takes it, and planted faults of every kind are found in it and described.

`RETIDE_SHARED_DATA` names the folder with diamonds.csv, adult.csv and elec.csv; without it these tests are skipped.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from retide.data.judge import judge
from retide.domain.contract import Contract
from retide.inference.draft import Wishes
from retide.inference.scaffold import Proposal, propose

FOLDER: Final = Path(os.environ.get("RETIDE_SHARED_DATA") or "shared-data")
ADULT: Final = (
    "age,workclass,fnlwgt,education,education_num,marital_status,occupation,relationship,race,sex,capital_gain,"
    "capital_loss,hours_per_week,native_country,income"
)
ROW: Final = 100  # of data, from 1: the one that is spoilt


@dataclass(frozen=True, slots=True)
class Known:
    """A set: its target, its names where the file has none, and for each rule a column and what breaks it there."""

    target: str
    task: str
    faults: dict[str, tuple[int, str]]
    columns: tuple[str, ...] = ()


SETS: Final = {
    "diamonds": Known(
        "price", "regression", {"type": (0, "heavy"), "range": (0, "-3"), "values": (1, "Fine"), "required": (6, "")}
    ),
    "adult": Known(
        "income",
        "classification",
        {"type": (0, "old"), "range": (12, "900"), "values": (9, "M"), "required": (14, "?")},
        tuple(ADULT.split(",")),
    ),
    "elec": Known("class", "classification", {"type": (1, "dear"), "range": (2, "7"), "required": (6, "")}),
}


@pytest.fixture(scope="module")
def drafted() -> Callable[[str], Proposal]:
    """Each set is drafted once."""
    made: dict[str, Proposal] = {}

    def draft(name: str) -> Proposal:
        if not (FOLDER / f"{name}.csv").exists():
            pytest.skip(f"RETIDE_SHARED_DATA names no folder with {name}.csv")
        if name not in made:
            known = SETS[name]
            made[name] = propose(FOLDER / f"{name}.csv", Wishes(known.target, name, columns=known.columns))
        return made[name]

    return draft


def spoilt(name: str, folder: Path, place: int, value: str) -> Path:
    """A copy of the set in which one cell is another."""
    lines = (FOLDER / f"{name}.csv").read_text().splitlines()
    at = ROW - 1 if SETS[name].columns else ROW
    cells = next(csv.reader([lines[at]]))
    cells[place] = value
    lines[at] = ",".join(cells)
    file = folder / f"{name}.csv"
    file.write_text("\n".join(lines) + "\n")
    return file


def contract(proposal: Proposal) -> Contract:
    return proposal.draft.contract


@pytest.mark.parametrize("name", SETS)
def test_a_known_set_is_taken_as_it_is_by_what_is_drafted_of_it(name: str, drafted: Callable[[str], Proposal]) -> None:
    proposal = drafted(name)
    assert contract(proposal).task == SETS[name].task
    assert proposal.verdict.findings == ()
    assert len(proposal.files["sample.csv"]) < 60_000


@pytest.mark.parametrize(("name", "rule"), [(name, rule) for name, known in SETS.items() for rule in known.faults])
def test_a_planted_fault_in_a_known_set_is_found_with_its_row_and_value(
    name: str, rule: str, drafted: Callable[[str], Proposal], tmp_path: Path
) -> None:
    proposal = drafted(name)
    place, value = SETS[name].faults[rule]
    verdict = judge(spoilt(name, tmp_path, place, value), contract(proposal))
    assert [(one.rule, one.column) for one in verdict.refusals] == [(rule, contract(proposal).columns[place].name)]
    shown = verdict.refusals[0].examples[0]
    assert (shown.row, shown.value) == (ROW, value if rule != "required" else "(missing)")


@pytest.mark.parametrize("name", SETS)
def test_a_known_set_that_is_cut_off_within_a_row_is_refused(
    name: str, drafted: Callable[[str], Proposal], tmp_path: Path
) -> None:
    held_to = contract(drafted(name))
    text = (FOLDER / f"{name}.csv").read_text().rstrip()
    file = tmp_path / "cut.csv"
    file.write_text(text[: text.rfind(",")])
    assert [one.rule for one in judge(file, held_to).refusals] == ["shape"]
