"""A folder of a model, written for one test, and what the linter finds in it."""

from pathlib import Path
from typing import Final

from retide.domain.contract import Contract
from retide.domain.verdict import Verdict
from retide.lint.engine import Report, lint

CONTRACT: Final = """\
task: classification
target: churned
id: [customer]
event_time: seen_at
segments: [region]
metric: {name: roc_auc, floor: 0.7, margin: 0.02, segment_loss: 0.1}
columns:
  customer: {type: string}
  seen_at: {type: timestamp}
  region: {type: category, feature: false}
  note: {type: string}
  plan: {type: category, values: [free, paid]}
  months: {type: integer, min: 0, max: 600}
  spend: {type: float, nullable: true, min: 0}
  churned: {type: category, values: ["no", "yes"]}
"""
REGRESSION: Final = CONTRACT.replace("task: classification", "task: regression").replace(
    'churned: {type: category, values: ["no", "yes"]}', "churned: {type: float}"
)
NUMBERS: Final = CONTRACT.replace("  plan: {type: category, values: [free, paid]}\n", "")


def accepting(path: Path, contract: Contract, **_wanted: object) -> Verdict:
    """A judge who finds nothing wrong with any sample."""
    return Verdict(len(path.read_text().splitlines()) - 1, "rules", curated="c")


def folder(
    tmp_path: Path, code: str | bytes | None = None, *, contract: str = CONTRACT, sample: str | None = None
) -> Path:
    place = tmp_path / "churn"
    place.mkdir(parents=True)
    (place / "contract.yaml").write_text(contract, encoding="utf-8")
    if code is not None:
        (place / "model.py").write_bytes(code if isinstance(code, bytes) else code.encode())
    if sample is not None:
        (place / "sample.csv").write_text(sample, encoding="utf-8")
    return place


def linted(
    tmp_path: Path, code: str | bytes | None = None, *, contract: str = CONTRACT, sample: str | None = None
) -> Report:
    return lint([folder(tmp_path, code, contract=contract, sample=sample)], accepting)


def found(report: Report) -> list[tuple[str, int]]:
    """(rule, line) of everything but the missing sample."""
    return [(finding.code, finding.line) for finding in report.findings if finding.code != "RT703"]


def lint_again(place: Path) -> Report:
    return lint([place], accepting)
