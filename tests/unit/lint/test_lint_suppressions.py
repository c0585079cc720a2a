"""A line may be right as it is: whoever says so says why, and says it only where it is needed."""

from pathlib import Path

import pytest

from tests.unit.lint.folders import CONTRACT, found, linted
from tests.unit.lint.snippets import BUILD, HEAD


def code(comment: str) -> str:
    return f"{HEAD}VALUE = eval('1')  {comment}\n{BUILD}"


def test_a_reason_suppresses_the_rule_on_its_line(tmp_path: Path) -> None:
    assert found(linted(tmp_path, code("# retide: ignore[RT506] a constant of ours"))) == []
    both = "VALUE = [eval('1'), open('a')]  # retide: ignore[RT506, RT502] a fixture\n"
    assert found(linted(tmp_path / "both", f"{HEAD}{both}{BUILD}")) == []


@pytest.mark.parametrize(
    ("comment", "rules"),
    [
        ("# retide: ignore[RT506]", ["RT004", "RT506"]),
        ("# retide: ignore[RT506]  -  ", ["RT004", "RT506"]),
        ("# retide: ignore everything here", ["RT004", "RT506"]),
        ("# retide: ignore[] as I say", ["RT004", "RT506"]),
        ("# retide: ignore[RT999] as I say", ["RT004", "RT506"]),
        ("# retide: ignore[RT506, RT001] as I say", ["RT004", "RT506"]),
        ("# retide: ignore[RT502] as I say", ["RT005", "RT506"]),
        ("# nothing that concerns the linter", ["RT506"]),
    ],
)
def test_a_suppression_that_does_not_count_is_found_itself(comment: str, rules: list[str], tmp_path: Path) -> None:
    assert sorted(rule for rule, line in found(linted(tmp_path, code(comment))) if line == 8) == rules


def test_a_text_that_looks_like_a_suppression_is_none(tmp_path: Path) -> None:
    quoted = f"{HEAD}VALUE = (eval('1'), '# retide: ignore[RT506] quoted')\n{BUILD}"
    assert found(linted(tmp_path, quoted)) == [("RT506", 8)]


def test_a_setting_of_a_contract_is_suppressed_in_the_contract(tmp_path: Path) -> None:
    named = CONTRACT.replace("  months: {type: integer, min: 0, max: 600}", "  month_id: {type: integer}")
    assert found(linted(tmp_path, contract=named)) == [("RT605", 13)]
    told = named.replace("month_id: {type: integer}", "month_id: {type: integer}  # retide: ignore[RT605] 1 to 12")
    assert found(linted(tmp_path / "told", contract=told)) == []
