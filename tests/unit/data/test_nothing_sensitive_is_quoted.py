"""What a file without a readable header, or with a broken byte, holds of sensitive columns is not quoted back."""

from pathlib import Path

import pytest

from retide.data import judge
from tests.unit.data.tables import contract, csv_text, rows, write

SENSITIVE = contract(customer={"pii": True})
PLAIN = csv_text(rows())
ROWS = PLAIN.partition("\n")[2]


@pytest.mark.parametrize(
    "text",
    [
        ROWS.replace("C00000,2026-01-01T12:00:00Z", "Miller,soon"),  # no header, and no row that fits either
        ROWS.replace("C00000", "Miller").replace(",", "\x02"),
        "Miller\n",
    ],
    ids=["no header", "another delimiter", "one column"],
)
def test_values_that_stand_where_names_should_are_quoted_only_where_nothing_is_sensitive(
    tmp_path: Path, text: str
) -> None:
    file = write(tmp_path / "file", text)
    assert "Miller" in str(judge(file, contract()).to_dict())
    verdict = judge(file, SENSITIVE)
    assert [finding.rule for finding in verdict.findings] == ["columns"]
    assert "(hidden)" in verdict.reason
    assert "Miller" not in str(verdict.to_dict())


def test_unknown_names_are_told_of_a_file_that_has_the_names_of_sensitive_columns(tmp_path: Path) -> None:
    file = write(tmp_path / "file", PLAIN.replace("spend", "expenses"))
    assert "expenses" in judge(file, SENSITIVE).reason


def test_the_text_around_a_broken_byte_is_quoted_only_where_nothing_is_sensitive(tmp_path: Path) -> None:
    file = write(tmp_path / "file", PLAIN.replace("C00007", "Møller").encode("latin-1"))
    assert "Møller" in judge(file, contract()).reason
    hidden = judge(file, SENSITIVE).reason
    assert "(0xf8 at byte" in hidden
    assert "ller" not in hidden
