"""A quote that is never closed takes the rows after it into its own: such a file is refused, or they would be lost."""

from pathlib import Path

import pytest

from retide.data import judge
from retide.domain.verdict import Severity
from tests.unit.data.tables import contract, csv_text, rows, write

TOLERANT = contract({"policy": {"reject_rows": 0.9}})
LINES = csv_text(rows(40)).splitlines()


def with_lines(**others: str) -> str:
    """The text with lines replaced; `at5` is that of row 5."""
    lines = list(LINES)
    for place, line in others.items():
        lines[int(place.removeprefix("at"))] = line
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    "text",
    [
        with_lines(at11='C9,"2026-01-01'),
        with_lines(at11='C9,"2026-01-01', at12='C9,"2026-01-01'),
        with_lines(at11='C9,"2026-01-01', at30='C9,"2026-01-01T12:00:00Z",pro,1,1,true'),
    ],
    ids=["to the end", "to the next quote", "to a field in quotes"],
)
def test_rows_are_not_lost_within_the_quotes_of_another(tmp_path: Path, text: str) -> None:
    verdict = judge(write(tmp_path / "file", text), TOLERANT, rejected=tmp_path / "rejected")
    (finding,) = verdict.refusals
    assert (finding.rule, finding.severity, finding.examples[0].row) == ("shape", Severity.REFUSE, 11)
    assert "lines are taken for parts of such rows" in finding.seen
    assert "Close each quote" in finding.advice
    assert not (tmp_path / "rejected").exists()


def test_a_row_of_one_line_without_a_shape_is_taken_out_alone(tmp_path: Path) -> None:
    text = with_lines(at11="C9", at40='C9,"2026-01-01')
    verdict = judge(write(tmp_path / "file", text), TOLERANT, rejected=tmp_path / "rejected")
    assert (verdict.accepted, verdict.rows, verdict.rejected) == (True, 38, 2)


@pytest.mark.parametrize("tolerated", [0, 0.9])
def test_quotes_that_the_reader_gives_up_on_are_told_by_the_first_row_that_has_one(
    tmp_path: Path, tolerated: float
) -> None:
    angry, moved = 'C9,2026-01-01T12:00:00Z,"""angry""",1,1,true', 'C9,2026-01-01T12:00:00Z,"moved'
    text = with_lines(at4=angry, at9=moved, at10=angry).replace("\n", "\r\n").replace("moved\r\n", "moved\n")
    rules = contract({"policy": {"reject_rows": tolerated}} if tolerated else {})
    (finding,) = judge(write(tmp_path / "file", text), rules).refusals
    assert (finding.rule, finding.severity) == ("shape", Severity.REFUSE)
    assert "a quote that is never closed, or text after it in row 9;" in finding.seen
    assert "Close each quote" in finding.advice
