"""What a change does to data and models, said of two checkouts that differ in every way that matters."""

import re
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from scripts import verdict
from scripts.jobs import ROOT

WEAK: Final = """\
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline


def build(contract, params):
    columns = ColumnTransformer([("one", "passthrough", ["symmetry_error"])])
    return make_pipeline(columns, LogisticRegression())
"""


def model(root: Path, name: str) -> Path:
    folder = root / "training/models" / name
    shutil.copytree(ROOT / "training/models/tumour", folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def checkout(root: Path) -> Path:
    (root / "retide").mkdir(parents=True)
    for part in ("training", "retide/domain", "requirements"):
        shutil.copytree(ROOT / part, root / part, ignore=shutil.ignore_patterns("models", "__pycache__"))
    shutil.copy(ROOT / "retide/__init__.py", root / "retide")
    return root


def replace(file: Path, old: str, new: str) -> None:
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))


def unchanged(_base: Path, _head: Path) -> None:
    """Nothing differs."""


def better(base: Path, _head: Path) -> None:
    (base / "model.py").write_text(WEAK)


def worse(_base: Path, head: Path) -> None:
    (head / "model.py").write_text(WEAK)


def added(base: Path, _head: Path) -> None:
    shutil.rmtree(base)


def removed(_base: Path, head: Path) -> None:
    shutil.rmtree(head)


def broken(_base: Path, head: Path) -> None:
    replace(head / "model.py", "StandardScaler(),", "StandardScaler(depth=3),")


def misfit(_base: Path, head: Path) -> None:
    replace(head / "contract.yaml", "target: diagnosis", "target: diagnose")


def refused(_base: Path, head: Path) -> None:
    replace(head / "contract.yaml", "mean_radius: {type: float, nullable: true, min: 0, max: 85}",
            "mean_radius: {type: float, min: 0, max: 12}")  # fmt: skip


def opened(base: Path, _head: Path) -> None:
    replace(base / "contract.yaml", "values: [A, B, C]", "values: [A, B]")


def unsampled(_base: Path, head: Path) -> None:
    (head / "sample.csv").unlink()


type Change = Callable[[Path, Path], None]
type Reports = Callable[[Change], verdict.Section]
QUICK: Final[tuple[Change, ...]] = (better, broken, misfit, removed, unchanged, unsampled)
LONG: Final[tuple[Change, ...]] = (added, opened, refused, worse)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory, libs: Path) -> Reports:
    """What is said of a change, made once."""

    @cache
    def of(change: Change) -> verdict.Section:
        base, head = (checkout(tmp_path_factory.mktemp(side) / side) for side in ("base", "head"))
        change(model(base, change.__name__), model(head, change.__name__))
        (section,) = verdict.sections(base, head, libs)
        return section

    return of


def text(section: verdict.Section) -> str:
    return "\n".join(section.lines)


def test_only_what_cannot_be_built_is_broken(report: Reports) -> None:
    assert [change for change in QUICK if report(change).broken] == [broken, misfit]


@pytest.mark.nightly
def test_what_refuses_its_own_sample_is_broken_too(report: Reports) -> None:
    assert [change for change in LONG if report(change).broken] == [refused]


def test_the_same_code_and_contract_are_told_without_a_training(report: Reports) -> None:
    assert report(unchanged).lines[0] == "### `unchanged`: unchanged"
    assert "by head's contract: accepted, 200 rows" in text(report(unchanged))


def test_a_better_model_would_be_accepted(report: Reports) -> None:
    assert report(better).lines[0] == "### `better`: the gate would say accepted"


@pytest.mark.nightly
def test_a_worse_model_would_not_be_accepted(report: Reports) -> None:
    assert report(worse).lines[0] == "### `worse`: the gate would say rejected"
    assert re.search(r"\*\*failed\*\*: floor: expected roc_auc ≥ 0\.9, seen 0\.\d+", text(report(worse)))
    assert re.search(
        r"\*\*failed\*\*: margin: expected a loss of at most 0\.\d+ with 95% confidence, seen -0\.\d+",
        text(report(worse)),
    )


def test_scores_stand_beside_each_other_the_deciding_one_first(report: Reports) -> None:
    first = next(line for line in report(better).lines if line.startswith("| **"))
    _, name, base, head, constant, _ = (cell.strip() for cell in first.split("|"))
    assert (name, constant) == ("**roc_auc**", "0.5000")
    assert float(base) < float(head)


def test_a_model_that_is_removed_is_named(report: Reports) -> None:
    assert report(removed).lines[0] == "### `removed`: removed"


@pytest.mark.nightly
def test_a_new_model_is_judged_alone(report: Reports) -> None:
    assert "Judged alone: the model is new." in text(report(added))
    assert report(added).lines[0] == "### `added`: the gate would say accepted"


def test_a_broken_build_is_told_with_its_line(report: Reports) -> None:
    assert re.search(r"models/broken/model\.py, line 18: build\(\) failed: TypeError: .*'depth'", text(report(broken)))


def test_a_contract_that_cannot_be_used_is_told_with_its_line(report: Reports) -> None:
    assert "* training/models/misfit/contract.yaml:5:1: target: 'diagnose' is not one of" in text(report(misfit))


@pytest.mark.nightly
def test_a_sample_is_held_against_both_contracts(report: Reports) -> None:
    assert "`sample.csv` by head's contract: refused, 200 rows" in text(report(refused))
    assert "column mean_radius: expected 0 to 12" in text(report(refused))
    assert "by base's contract: accepted, 200 rows" in text(report(refused))
    assert "by base's contract: refused, 200 rows" in text(report(opened))
    assert "Judged alone: base's contract refuses the sample" in text(report(opened))


def test_a_model_that_has_no_sample_is_told_where_to_put_one(report: Reports) -> None:
    assert "put a few hundred rows into `training/models/unsampled/sample.csv`" in text(report(unsampled))


def test_a_review_of_no_checkout_is_refused_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert verdict.main(["--base", str(tmp_path)]) == 2
    said = capsys.readouterr()
    assert (said.out, said.err) == (
        "",
        f"verdict: {tmp_path} is no checkout of a Retide project: it has no training/models\n",
    )


def test_a_checkout_against_itself_changes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert verdict.main(["--base", str(ROOT)]) == 0
    headings = [line for line in capsys.readouterr().out.splitlines() if line.startswith("###")]
    assert headings
    assert all(heading.endswith((": unchanged", ": not judged")) for heading in headings)
