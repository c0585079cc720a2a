"""What the commands of an A/B test refuse, and what they tell of one."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from retide.cli.ab_telling import told
from retide.cli.commands.ab import _percent
from retide.cli.failures import UsageProblem
from retide.domain.ab_quality import Gain
from retide.domain.ab_report import Agreement, Report, Side
from retide.domain.contract import parse
from retide.domain.ledger import AbTest
from tests.unit.steps.world import CONTRACT

BEGAN = "2026-01-01T00:10:00+00:00"
TEST = AbTest("t", 1, 2, "arn", 10, "ada", "is it better?", "2026-01-01T00:00:00+00:00", began_at=BEGAN)
EMPTY = Report(TEST, Side(1, 90, 80, 0), Side(2, 10, 9, 0), "accuracy", None, None, None)


def text(report: Report, failed: tuple[int, int] = (0, 0)) -> str:
    console = Console(file=io.StringIO(), width=200)
    columns = {
        "patient": {"type": "integer"},
        "age": {"type": "integer"},
        "ill": {"type": "category", "values": ["no", "yes"]},
    }
    contract = parse({**CONTRACT, "columns": columns, "id": ["patient"]}, "m")
    console.print(*told(report, contract, failed), sep="\n")
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize(("weight", "shadow", "percent"), [(0.1, False, 10), (0.5, False, 50), (None, True, 0)])
def test_a_share_is_one_in_percent(weight: float | None, shadow: bool, percent: int) -> None:
    assert _percent(weight, shadow=shadow) == percent


@pytest.mark.parametrize(
    ("weight", "shadow", "why"),
    [
        (None, False, "say how"),
        (0.1, True, "say how"),
        (0.6, False, "is not between"),
        (0.001, False, "is not between"),
    ],
)
def test_how_a_challenger_answers_must_be_said_and_be_modest(weight: float | None, shadow: bool, why: str) -> None:
    with pytest.raises(UsageProblem, match=why):
        _percent(weight, shadow=shadow)


def test_without_truth_it_is_told_how_truth_comes() -> None:
    said = text(EMPTY)
    assert "version 2 with 10 % of the requests, beside version 1" in said
    assert "Not enough truth yet: 50 rows of each version are needed." in said
    assert "matched by patient" in said


@pytest.mark.parametrize(
    ("gain", "word"),
    [
        (Gain(0.1, 0.02, 0.18, 0.7, 0.8, (60, 60)), "better (`retide ab stop --promote` approves it)"),
        (Gain(-0.1, -0.18, -0.02, 0.8, 0.7, (60, 60)), "worse"),
        (Gain(0.1, -0.2, 0.4, 0.7, 0.8, (60, 60)), "neither better nor worse"),
    ],
)
def test_with_truth_it_is_told_who_is_right_and_how_sure_that_is(gain: Gain, word: str) -> None:
    said = text(replace(EMPTY, gain=gain))
    assert f"the challenger is {word}" in said
    assert "two samples" in said


def test_a_shadow_is_told_by_its_agreement_and_an_ended_test_by_its_end() -> None:
    ended = replace(TEST, percent=0, ended_at="2026-01-02T00:00:00+00:00", outcome="stopped", why="seen enough (ada)")
    said = text(replace(EMPTY, test=ended, agreement=Agreement(9, same=7), unread=3))
    assert "in the shadow of version 1" in said
    assert "stopped 2026-01-02" in said
    assert "Of 9 requests that both answered, 7 got the same label from both." in said
    assert "3 answers are no JSON" in said


def test_errors_are_told_beside_answers() -> None:
    line = next(line for line in text(EMPTY, (0, 4)).splitlines() if line.strip().startswith("2 (challenger)"))
    assert line.split()[2:] == ["4", "10", "9", "0", "-"]
