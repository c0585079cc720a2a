"""What is tested as a model: every folder of models, and contracts that no folder holds and only the defaults serve."""

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from retide import contracts
from retide.data import judge
from retide.domain.contract import Contract
from retide.domain.verdict import Verdict
from scripts.jobs import ROOT, Dataset, lay
from tests.training import generate
from training import data, train
from training.errors import JobError

NAMED: Final = os.environ.get("RETIDE_MODELS")
MODELS: Final = Path(NAMED).resolve() if NAMED else ROOT / contracts.MODELS
HELD: Final = 2000


@dataclass(frozen=True, slots=True)
class Subject:
    """`made` is the contract of a model that no folder holds."""

    name: str
    folder: Path
    made: Contract | None = None

    @property
    def sample(self) -> Path:
        return self.folder / contracts.SAMPLE_FILE

    def contract(self) -> Contract:
        """Raises ContractError."""
        return self.made or contracts.load(self.folder)


def subjects() -> list[Subject]:
    """Only the folders where another place for them is named."""
    folders = sorted(folder for folder in MODELS.iterdir() if folder.is_dir() and folder.name[0] not in "._")
    found = [Subject(folder.name, folder) for folder in folders]
    return found if NAMED else [*found, *(Subject(name, MODELS / "example", made) for name, made in MADE.items())]


MADE: Final = {
    "two categories": generate.contract({"type": "category", "values": ["yes", "no"]}, metric="roc_auc"),
    "three classes": generate.contract({"type": "integer"}, metric="f1"),
    "a flag": generate.contract({"type": "boolean"}, metric="brier"),
    "a whole number": generate.contract({"type": "integer", "min": 0, "max": 900}, "regression", "rmse"),
    "a number, boosted": generate.contract({"type": "float"}, "regression", "r2", params={"estimator": "boosting"}),
    "a flag, boosted": generate.contract({"type": "boolean"}, params={"estimator": "boosting"}),
}


def judged(subject: Subject, contract: Contract, keep: Path | None = None) -> Verdict:
    """What validation says of the sample; fails the test where it is refused."""
    verdict = judge(subject.sample, contract, keep=keep)
    if not verdict.accepted:
        said = "\n".join(f"  {finding}" for finding in verdict.refusals)
        pytest.fail(f"{subject.sample}: the model's own contract refuses it:\n{said}", pytrace=False)
    return verdict


def dataset(subject: Subject, contract: Contract, folder: Path) -> Dataset:
    """The sample as an accepted file; without one, rows made up from the contract."""
    rows = folder / "rows.parquet"
    if subject.sample.is_file():
        verdict = judged(subject, contract, rows)
        return Dataset.of(rows, verdict.curated or "", verdict.rows, contract)
    print(f"model {subject.name!r} has no sample: put a few hundred rows into {subject.sample}; these rows are made up")
    pq.write_table(generate.table(contract), rows)
    return Dataset.of(rows, "0" * 64, 200, contract)


def split(subject: Subject, contract: Contract, **made_up: Any) -> data.Split:
    """Training part and holdout of the sample; of rows made up from the contract where `made_up` says how."""
    if made_up:
        rows = generate.table(contract, rows=160, **made_up)
        held = pc.less(rows["__bucket"], HELD)
        return data.Split("d1", rows.filter(pc.invert(held)), rows.filter(held))
    with tempfile.TemporaryDirectory() as folder:
        lay(dataset(subject, contract, Path(folder)), Path(folder))
        return data.load(Path(folder) / "data", Path(folder) / "dataset", contract)


def trained(subject: Subject, contract: Contract, part: data.Split) -> train.Trained:
    return train.train(part, contract, contract.params, contract.training.seed, subject.folder)


def explained[T](what: Callable[[], T]) -> T:
    """A job's own words, without the lines of the tests around them."""
    try:
        return what()
    except JobError as error:
        pytest.fail(str(error), pytrace=False)
