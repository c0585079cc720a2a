"""`retide init` and `retide validate` as a person meets them: what is printed, what is written, how they end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from retide.cli.app import app
from retide.cli.failures import CliError, UsageProblem

ROWS = "size,color,left\n" + "".join(
    f"{i * 617 % 1000 / 100},{'rgb'[i % 3]},{'yn'[i * 31 % 7 < 3]}\n" for i in range(200)
)


def run(folder: Path, *words: str | Path) -> Result:
    return CliRunner().invoke(app(), [*map(str, words), "--models", str(folder / "models")])


def unwrapped(ended: Result) -> str:
    """What was printed, wherever the lines break: that depends on how long the names of the test's folders are."""
    return " ".join(ended.stdout.split())


def data(folder: Path, text: str = ROWS, name: str = "My Rows (2).csv") -> Path:
    file = folder / name
    file.write_text(text)
    return file


def drafted(folder: Path) -> Path:
    assert run(folder, "init", data(folder), "--target", "left").exit_code == 0
    return folder / "models/my-rows-2"


def test_init_writes_a_model_named_after_the_file_and_says_what_comes_next(tmp_path: Path) -> None:
    ended = run(tmp_path, "init", data(tmp_path), "--target", "left")
    assert sorted(file.name for file in (tmp_path / "models/my-rows-2").iterdir()) == ["contract.yaml", "sample.csv"]
    assert "accepted, 200 rows" in unwrapped(ended)
    assert "retide lint my-rows-2" in ended.stdout


def test_init_writes_over_nothing_unless_it_is_told_to(tmp_path: Path) -> None:
    contract = drafted(tmp_path) / "contract.yaml"
    contract.write_text("mine")
    assert isinstance(run(tmp_path, "init", data(tmp_path), "--target", "left").exception, CliError)
    assert contract.read_text() == "mine"
    assert run(tmp_path, "init", data(tmp_path), "--target", "left", "--force").exit_code == 0
    assert contract.read_text() != "mine"


def test_init_leaves_nothing_behind_where_it_fails(tmp_path: Path) -> None:
    assert isinstance(run(tmp_path, "init", data(tmp_path), "--target", "lef").exception, CliError)
    assert not (tmp_path / "models").exists()


@pytest.mark.parametrize("options", [("--name", "No Name"), ("--columns", "a,,b"), ("--id", "a,a")])
def test_init_refuses_names_that_cannot_be(tmp_path: Path, options: tuple[str, str]) -> None:
    assert isinstance(run(tmp_path, "init", data(tmp_path), "--target", "left", *options).exception, UsageProblem)


def test_the_scaffolded_code_and_contract_lint_clean(tmp_path: Path) -> None:
    assert run(tmp_path, "init", data(tmp_path), "--target", "left", "--with-model").exit_code == 0
    assert "0 errors, 0 warnings" in run(tmp_path, "lint").stdout


def test_validate_accepts_what_was_drafted_from_and_needs_no_model_where_there_is_one(tmp_path: Path) -> None:
    drafted(tmp_path)
    ended = run(tmp_path, "validate", data(tmp_path))
    assert (ended.exit_code, "accepted, 200 rows" in unwrapped(ended)) == (0, True)


def test_validate_fails_with_the_rows_and_values_that_break_a_rule(tmp_path: Path) -> None:
    drafted(tmp_path)
    ended = run(tmp_path, "validate", data(tmp_path, ROWS.replace("6.17,g", "617,g", 1)), "--model", "my-rows-2")
    assert ended.exit_code == 1
    assert "row 2: '617'" in ended.stdout


def test_validate_gives_the_report_as_json(tmp_path: Path) -> None:
    drafted(tmp_path)
    report = json.loads(run(tmp_path, "validate", data(tmp_path), "--json").stdout)
    assert (report["accepted"], report["rows"], len(report["curated"])) == (True, 200, 64)


def test_validate_writes_the_rows_taken_out_where_it_is_told_to(tmp_path: Path) -> None:
    model = drafted(tmp_path)
    contract = (model / "contract.yaml").read_text()
    (model / "contract.yaml").write_text(contract.replace("policy:\n", "policy:\n  reject_rows: 0.1\n"))
    out = tmp_path / "out.csv"
    ended = run(tmp_path, "validate", data(tmp_path, ROWS.replace("6.17,g", "617,g", 1)), "--rejected", out)
    assert (ended.exit_code, "1 of 200 rows are taken out" in ended.stdout) == (0, True)
    assert out.read_text().splitlines()[1].startswith("2,")


@pytest.mark.parametrize("name", ["", "nowhere.csv"])
def test_validate_says_in_a_line_what_is_no_file(tmp_path: Path, name: str) -> None:
    drafted(tmp_path)
    assert isinstance(run(tmp_path, "validate", tmp_path / name).exception, CliError)


def test_validate_asks_which_model_where_there_are_several(tmp_path: Path) -> None:
    drafted(tmp_path)
    assert run(tmp_path, "init", data(tmp_path), "--target", "left", "--name", "other").exit_code == 0
    assert isinstance(run(tmp_path, "validate", data(tmp_path)).exception, UsageProblem)
