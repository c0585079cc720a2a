"""Contracts that are allowed and hardly meant, and samples that give something away, at the line of the setting."""

from pathlib import Path

import pytest

from retide.data import judge
from retide.lint.engine import Report, lint
from retide.lint.rules import RULES
from tests.unit.lint.folders import CONTRACT, REGRESSION, folder, found, linted


def changed(old: str, new: str) -> str:
    assert old in CONTRACT
    return CONTRACT.replace(old, new)


SMELLS = [
    ("RT601", 6, changed("floor: 0.7", "floor: 1.0")),
    ("RT601", 6, REGRESSION.replace("name: roc_auc, floor: 0.7", "name: rmse, floor: 0")),
    ("RT602", 6, changed("floor: 0.7", "floor: 0.5")),
    ("RT602", 6, REGRESSION.replace("name: roc_auc, floor: 0.7", "name: r2, floor: -1")),
    ("RT603", 6, changed("margin: 0.02", "margin: 1")),
    ("RT603", 6, changed("segment_loss: 0.1", "segment_loss: 5")),
    ("RT604", 12, changed("values: [free, paid]", "values: [free]")),
    ("RT604", 13, changed("min: 0, max: 600", "min: 3, max: 3")),
    ("RT605", 13, changed("  months:", "  account_id:")),
    ("RT605", 13, changed("  months:", "  accountId:")),
    ("RT605", 13, changed("min: 0, max: 600", "unique: true")),
    ("RT606", 12, changed("values: [free, paid]", "values: [free, NA]")),
    ("RT607", 16, changed("at: {type: timestamp}", "at: {type: timestamp, nullable: true}") + "window: {days: 30}\n"),
    ("RT608", 5, changed("segments: [region]", "segments: [churned]")),
    ("RT104", 13, changed("  months:", "  churned_months:")),
    ("RT104", 13, changed("  months:", "  hasChurned:")),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "line", "contract"), SMELLS, ids=[f"{r}-{i}" for i, (r, *_) in enumerate(SMELLS)])
def test_a_contract_that_is_hardly_meant_is_found_at_its_line(
    rule: str, line: int, contract: str, tmp_path: Path
) -> None:
    assert found(linted(tmp_path, contract=contract)) == [(rule, line)]


@pytest.mark.parametrize(
    "contract",
    [
        CONTRACT,
        REGRESSION.replace("name: roc_auc, floor: 0.7", "name: rmse, floor: 5"),
        changed("name: roc_auc, floor: 0.7", "name: log_loss, floor: 0.5").replace(
            "segment_loss: 0.1", "segment_loss: 2"
        ),
        changed("  months:", "  valid:"),
        changed("  months:", "  paid:"),
        changed("  months:", "  churn:"),
    ],
    ids=[
        "as it is",
        "an error",
        "a loss",
        "a name that ends like an id",
        "a participle",
        "a part of the target's name",
    ],
)
def test_a_sound_contract_is_left_alone(contract: str, tmp_path: Path) -> None:
    assert found(linted(tmp_path, contract=contract)) == []


@pytest.mark.parametrize(
    ("contract", "line", "said"),
    [
        (changed("min: 0, max: 600", "min: 9, max: 3"), 13, "columns.months.max: 3 lies below min 9"),
        (changed('values: ["no", "yes"]}', "nullable: true}"), 3, "target: 'churned' must not be nullable"),
        (changed("task: classification", "task: classification\ntask: regression"), 2, "'task' is given twice"),
        ("[1, 2", 1, "is not YAML that can be used"),
    ],
    ids=["a range", "a label that may be missing", "a key twice", "no YAML"],
)
def test_a_contract_that_cannot_be_used_is_a_finding_at_its_place(
    contract: str, line: int, said: str, tmp_path: Path
) -> None:
    [finding] = [f for f in linted(tmp_path, contract=contract).findings if f.code != "RT703"]
    assert finding.code == "RT001"
    assert said in finding.message
    assert finding.line == (2 if "nullable" in said else line)


def test_a_folder_without_a_contract_is_a_finding(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    [finding] = lint([tmp_path / "empty"], judge).findings
    assert (finding.code, finding.file.name) == ("RT001", "contract.yaml")
    assert "cannot be read" in finding.message


def sample(rows: int = 60, **columns: object) -> str:
    """CSV of a sound sample; a column given as a function of the row's number and label replaces what is there."""
    made = {
        "customer": lambda i, _: f"c{i}",
        "seen_at": lambda i, _: f"2026-01-{i % 28 + 1:02}",
        "region": lambda i, _: "north" if i % 2 else "south",
        "note": lambda i, _: f"n{i}",
        "plan": lambda i, _: "free" if i % 3 else "paid",
        "months": lambda i, _: i * 7 % 23,
        "spend": lambda i, _: i * 13 % 47 + 0.5,
        "churned": lambda i, _: "yes" if i * 11 % 5 > 2 else "no",
        **columns,
    }
    lines = [",".join(made)]
    for i in range(rows):
        label = made["churned"](i, "")  # type: ignore[operator]
        lines.append(",".join(str(value(i, label)) for value in made.values()))  # type: ignore[operator]
    return "\n".join(lines) + "\n"


GIVEAWAYS = [
    ("RT105", 12, sample(plan=lambda _, label: "paid" if label == "yes" else "free")),
    ("RT105", 13, sample(months=lambda _, label: 7 if label == "yes" else 3)),
    ("RT106", 12, sample(200, plan=lambda i, label: "paid" if (label == "yes") != (i == 9) else "free")),
    ("RT106", 14, sample(200, spend=lambda i, label: i + (500 if label == "yes" else 0.5))),
    ("RT604", 13, sample(months=lambda *_: 4)),
    ("RT605", 13, sample(months=lambda i, _: 100 + i)),
    ("RT609", 5, sample(region=lambda i, _: f"r{i // 3}")),
    ("RT702", 1, sample(20)),
    ("RT702", 1, sample(9000)),
]


@pytest.mark.parametrize(("rule", "line", "rows"), GIVEAWAYS, ids=[f"{r}-{i}" for i, (r, *_) in enumerate(GIVEAWAYS)])
def test_what_a_sample_gives_away_is_found_at_the_setting(rule: str, line: int, rows: str, tmp_path: Path) -> None:
    assert found(linted(tmp_path, sample=rows)) == [(rule, line)]


def test_a_sound_sample_gives_nothing_away(tmp_path: Path) -> None:
    report = linted(tmp_path, sample=sample(), contract=CONTRACT.replace(", feature: false", ""))
    assert report.findings == ()


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        (lambda i, _: i * 13 % 47, None),
        (lambda i, label: float(label) * 2 + 1, "RT105"),
        (lambda i, label: float(label) ** 3, "RT106"),
    ],
    ids=["unrelated", "a straight line", "a curve"],
)
def test_numbers_that_follow_a_numeric_target_are_found(values: object, rule: str | None, tmp_path: Path) -> None:
    rows = sample(churned=lambda i, _: i * 17 % 59 + 0.25, spend=values)
    contract = REGRESSION.replace("name: roc_auc, floor: 0.7", "name: rmse, floor: 10")
    assert found(linted(tmp_path, sample=rows, contract=contract)) == ([(rule, 14)] if rule else [])


@pytest.mark.parametrize(
    ("metric", "floor", "toothless"),
    [("accuracy", 0.55, True), ("accuracy", 0.9, False), ("log_loss", 0.7, True), ("log_loss", 0.3, False),
     ("brier", 0.25, True), ("brier", 0.1, False), ("pr_auc", 0.3, True), ("pr_auc", 0.8, False)],
)  # fmt: skip
def test_a_floor_is_held_against_the_constant_answer_on_the_sample(
    metric: str, floor: float, toothless: bool, tmp_path: Path
) -> None:
    contract = changed("name: roc_auc, floor: 0.7", f"name: {metric}, floor: {floor}")
    assert found(linted(tmp_path, sample=sample(), contract=contract)) == ([("RT602", 6)] if toothless else [])


def test_a_sample_that_the_contract_refuses_is_told_by_the_judge_of_arriving_files(tmp_path: Path) -> None:
    rows = sample().replace("c4,2026-01-05,south,n4,free,5", "c4,2026-01-05,south,n4,free,-5")
    report = lint([folder(tmp_path, sample=rows)], judge)
    [finding] = report.findings
    assert (finding.code, finding.file.name, finding.line) == ("RT701", "sample.csv", 6)
    assert finding.message.startswith("column 'months': expected 0 to 600, seen 1 row outside, for instance '-5'")
    assert not report.passes(strict=False)


def test_a_large_sample_that_is_refused_is_not_told_to_be_small(tmp_path: Path) -> None:
    report = lint([folder(tmp_path, sample=sample(200).replace("customer", "client"))], judge)
    assert {finding.code for finding in report.findings} == {"RT701"}


def test_a_model_without_a_sample_is_told_where_to_put_one(tmp_path: Path) -> None:
    report: Report = linted(tmp_path)
    assert [finding.code for finding in report.findings] == ["RT703"]
    assert report.findings[0].file == tmp_path / "churn/sample.csv"
    assert report.passes(strict=True)
    assert "a few hundred rows" in RULES["RT703"].advice
