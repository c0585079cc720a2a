"""Every rule about code finds what it is for, at its line, and leaves alone what only looks like it."""

import re
from pathlib import Path

import pytest

from retide.lint.rules import RULES
from tests.unit.lint.folders import NUMBERS, found, lint_again, linted
from tests.unit.lint.snippets import BAD, BUILD, GOOD, HEAD


def whole(snippet: str) -> str:
    return snippet[1:] if snippet.startswith("!") else f"{HEAD}{snippet}{BUILD}"


def marked(rule: str, text: str) -> list[tuple[str, int]]:
    """The rule at every `# <-`, and other rules that a comment names."""
    lines = list(enumerate(text.splitlines(), start=1))
    own = [(rule, number) for number, line in lines for _ in re.findall("<-", line)]
    others = [(code, number) for number, line in lines for code in re.findall(r"#.*\b(RT\d{3})", line)]
    return sorted(own + others, key=lambda place: (place[1], place[0]))


@pytest.mark.parametrize(("rule", "snippet"), BAD, ids=[f"{rule}-{i}" for i, (rule, _) in enumerate(BAD)])
def test_code_that_breaks_a_rule_is_found_at_its_line(rule: str, snippet: str, tmp_path: Path) -> None:
    text = whole(snippet)
    seen = sorted(found(linted(tmp_path, text)), key=lambda place: (place[1], place[0]))
    assert seen == marked(rule, text)


@pytest.mark.parametrize("snippet", GOOD, ids=[str(i) for i in range(len(GOOD))])
def test_code_that_only_looks_like_it_is_left_alone(snippet: str, tmp_path: Path) -> None:
    assert found(linted(tmp_path, whole(snippet))) == []


def test_every_rule_about_code_has_an_example_that_breaks_it() -> None:
    about_code = {code for code in RULES if re.match("RT00[23]|RT10[123]|RT[2345]", code)}
    assert about_code - {rule for rule, _ in BAD} == set()


def test_a_finding_says_its_column_in_characters(tmp_path: Path) -> None:
    [finding] = [f for f in linted(tmp_path, f"{HEAD}Ä = 'ö', eval('1')\n{BUILD}").findings if f.code == "RT506"]
    assert (finding.line, finding.column) == (8, 10)


def test_a_misspelt_column_is_answered_with_the_one_that_was_meant(tmp_path: Path) -> None:
    report = linted(tmp_path, f"{HEAD}def add(X):\n    return X['mnths']\n{BUILD}")
    assert "the contract has no column 'mnths'; did you mean 'months'?" in [f.message for f in report.findings]


def test_numbers_need_no_encoder(tmp_path: Path) -> None:
    code = "from sklearn.linear_model import Ridge\ndef build(contract, params):\n    return Ridge()\n"
    assert found(linted(tmp_path, code, contract=NUMBERS)) == []


def test_code_is_never_run(tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    linted(tmp_path / "models", f"from pathlib import Path\nPath({str(marker)!r}).touch()\nraise SystemExit(3)\n")
    assert not marker.exists()


def test_all_python_files_of_a_model_are_looked_at(tmp_path: Path) -> None:
    linted(tmp_path, HEAD + BUILD)
    (tmp_path / "churn/parts").mkdir()
    (tmp_path / "churn/parts/more.py").write_text("import pickle\n")
    (tmp_path / "churn/__pycache__").mkdir()
    (tmp_path / "churn/__pycache__/old.py").write_text("import pickle\n")
    named = [(f.code, f.file.name) for f in lint_again(tmp_path / "churn").findings]
    assert named == [("RT505", "more.py"), ("RT703", "sample.csv")]
