"""What people, programs and pull requests read, and how the command ends."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from retide.lint import report
from retide.lint.engine import lint
from retide.lint.rules import RULES
from scripts.library_facts import collect
from tests.architecture.tree import ROOT
from tests.unit.lint.folders import CONTRACT, accepting, folder, linted
from tests.unit.lint.snippets import BUILD, HEAD

FLOOR = "a constant answer reaches roc_auc 0.5, the floor is 0.5. Raise the floor above the constant answer."
CODE = f"{HEAD}VALUE = eval('1')\nTREES = RandomForestClassifier(n_jobs=2)\n{BUILD}"


def retide(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("retide")), "lint", *arguments]
    environment = {**os.environ, "COLUMNS": "80"}
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=environment)


def test_a_line_of_text_says_where_what_and_what_to_do(tmp_path: Path) -> None:
    lines = list(report.text(linted(tmp_path, CODE), tmp_path))
    assert lines == [
        "churn/model.py:8:9: error RT506 dynamic-code: eval is used. Write the code out.",
        f"churn/model.py:9:39: warning RT204 parallel-fit: n_jobs=2. {RULES['RT204'].advice}",
        f"churn/sample.csv:1:1: note RT703 sample-missing: model 'churn' has no sample.csv. {RULES['RT703'].advice}",
        "1 model: 1 error, 1 warning, 1 note",
    ]


def test_programs_read_the_same_as_json(tmp_path: Path) -> None:
    read = json.loads(report.as_json(linted(tmp_path, CODE), tmp_path))
    assert read["models"] == ["churn"]
    assert read["findings"][0] == {
        "file": "churn/model.py",
        "line": 8,
        "column": 9,
        "code": "RT506",
        "message": "eval is used",
        "name": "dynamic-code",
        "severity": "error",
        "advice": "Write the code out.",
    }


def test_a_pull_request_is_annotated_with_what_github_reads_as_commands(tmp_path: Path) -> None:
    contract = CONTRACT.replace("floor: 0.7", "floor: 0.5")
    annotations = list(report.github(linted(tmp_path, CODE, contract=contract), tmp_path))
    assert annotations[:2] == [
        f"::warning file=churn/contract.yaml,line=6,col=25,title=RT602 toothless-floor::{FLOOR}",
        "::error file=churn/model.py,line=8,col=9,title=RT506 dynamic-code::eval is used. Write the code out.",
    ]
    assert annotations[-1].startswith("::notice file=churn/sample.csv")


def test_what_github_would_misread_is_escaped(tmp_path: Path) -> None:
    folder(tmp_path / "a,b:c", CODE)
    found = lint([tmp_path / "a,b:c/churn"], accepting)
    assert next(report.github(found, tmp_path)).startswith("::error file=a%2Cb%3Ac/churn/model.py,line=8")


def test_errors_fail_and_warnings_fail_where_the_caller_is_strict(tmp_path: Path) -> None:
    warned = linted(tmp_path, CODE.replace("eval('1')", "1"))
    assert (warned.passes(strict=False), warned.passes(strict=True)) == (True, False)
    assert not linted(tmp_path / "again", CODE).passes(strict=False)


def test_the_models_that_come_with_retide_lint_clean() -> None:
    answer = retide("--strict", "tumour", "diabetes")
    assert (answer.returncode, answer.stdout) == (0, "2 models: 0 errors, 0 warnings, 0 notes\n"), answer.stderr


def test_the_models_of_the_tests_lint_clean() -> None:
    answer = retide("--strict", "--models", "tests/loop/story/models")
    assert answer.stdout.endswith("6 models: 0 errors, 0 warnings, 6 notes\n")
    assert answer.returncode == 0


def test_the_command_fails_on_errors_with_the_findings_on_standard_output(tmp_path: Path) -> None:
    answer = retide("--models", str(folder(tmp_path, CODE).parent), "--format", "github", "churn")
    assert answer.returncode == 1
    assert answer.stderr == ""
    assert answer.stdout.startswith("::error file=")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nothing"], 2, "there is no model 'nothing', only "),
        (["--models", "no/such/folder"], 1, "no/such/folder: no such file or directory"),
        (["--format", "xml"], 2, "Invalid value for '--format'"),
    ],
)
def test_a_lint_that_was_asked_wrongly_is_answered_in_one_line(arguments: list[str], code: int, said: str) -> None:
    answer = retide(*arguments)
    assert (answer.returncode, answer.stdout) == (code, "")
    assert said in answer.stderr
    assert len(answer.stderr.strip().splitlines()) == 1


def test_the_table_of_rules_in_the_documents_is_the_rules() -> None:
    page = (ROOT / "docs/models.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| RT")]
    assert rows == [f"| {r.code} | {r.name} | {r.severity} | {r.finds} |" for r in RULES.values()]


def test_rules_are_numbered_in_order_and_named_apart() -> None:
    assert list(RULES) == sorted(RULES)
    assert len({rule.name for rule in RULES.values()}) == len(RULES)
    assert all(rule.advice.endswith(".") for rule in RULES.values())


def test_what_is_known_of_scikit_learn_and_its_converters_is_what_is_installed() -> None:
    known = json.loads((ROOT / "retide/lint/library_facts.json").read_text(encoding="utf-8"))
    assert known == collect(), "run `python -m scripts.library_facts` and look at the difference"
