"""Files of more columns than are typed at once: each cell is still judged in its own row and column."""

from pathlib import Path

import pytest

from retide.data import judge
from retide.domain.contract import Contract, parse
from tests.unit.data.tables import read, write

COLUMNS = 1_050  # typed in three groups
NUMBERS = (3, 700, 1_040)  # one in each group
BAD = {3: (12, "three"), 700: (7, "seven"), 1_040: (30, "a thousand")}


def wide(reject: float = 0) -> Contract:
    columns = {f"x{i}": {"type": "integer" if i in NUMBERS else "string"} for i in range(COLUMNS)}
    changes = {"policy": {"reject_rows": reject}} if reject else {}
    return parse({"task": "regression", "target": "x3", "columns": columns, "metric": {"name": "rmse"}, **changes}, "m")


def text() -> str:
    lines = [",".join(f"x{i}" for i in range(COLUMNS))]
    for row in range(1, 41):
        cells = [str(row * i) if i in NUMBERS else f"t{i}" for i in range(COLUMNS)]
        for column, (bad, value) in BAD.items():
            cells[column] = value if row == bad else cells[column]
        lines.append(",".join(cells))
    return "\n".join(lines) + "\n"


def test_a_bad_cell_of_a_wide_file_is_named_in_whatever_column_it_stands(tmp_path: Path) -> None:
    verdict = judge(write(tmp_path / "file", text()), wide())
    found = {finding.column: [(e.row, e.value) for e in finding.examples] for finding in verdict.refusals}
    assert found == {f"x{column}": [bad] for column, bad in BAD.items()}


def test_rows_of_a_wide_file_keep_their_cells_together_when_others_are_taken_out(tmp_path: Path) -> None:
    kept, rejected = tmp_path / "kept", tmp_path / "rejected"
    verdict = judge(write(tmp_path / "file", text()), wide(reject=0.2), keep=kept, rejected=rejected)
    assert (verdict.accepted, verdict.rows, verdict.rejected) == (True, 37, 3), verdict.reason
    good = [row for row in range(1, 41) if row not in (7, 12, 30)]
    assert read(kept, "SELECT x3, x700, x1040, x1049 FROM data") == [
        (row * 3, row * 700, row * 1_040, "t1049") for row in good
    ]
    numbers = [line.split(",")[0] for line in rejected.read_text().splitlines()[1:]]
    assert numbers == ["7", "12", "30"]


@pytest.mark.parametrize("row", [1, 40])
def test_a_row_without_a_shape_in_a_wide_file_does_not_shift_the_others(tmp_path: Path, row: int) -> None:
    lines = text().splitlines()
    lines.insert(row, "cut,off")
    verdict = judge(write(tmp_path / "file", "\n".join(lines)), wide(reject=0.2), keep=tmp_path / "kept")
    (finding,) = [finding for finding in verdict.findings if finding.column == "x3"]
    assert finding.examples[0].row == 12 + (row <= 12)
    assert (verdict.accepted, verdict.rejected) == (True, 4)
