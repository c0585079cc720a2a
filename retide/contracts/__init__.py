"""Load the contracts of a checkout from YAML, and digest what makes a model so that a change of it can be seen."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from retide.contracts.files import read
from retide.domain.contract import Contract, parse
from retide.domain.reader import ContractError, Problem

CONTRACT_FILE: Final = "contract.yaml"
SAMPLE_FILE: Final = "sample.csv"
MODELS: Final = Path("training/models")
MODEL_FILE: Final = "model.py"
OR_MODEL_FILE: Final = (
    f"trains XGBoost, and {MODEL_FILE} beside the contract builds another estimator; remove one of them"
)
JOB_LOCKS: Final = tuple(f"requirements/{name}.txt" for name in ("jobs", "job-boosting", "job-convert", "job-runtime"))


def load(folder: Path) -> Contract:
    """Read `<folder>/contract.yaml`; the folder's name is the model's.

    Raises ContractError with every problem, each with the file, the line and the column.
    """
    file = folder / CONTRACT_FILE
    document = read(file)
    try:
        contract = parse(document.raw, folder.resolve().name)
    except ContractError as error:
        raise ContractError(document.located(error.problems)) from None
    if contract.training.distributed and (folder / MODEL_FILE).is_file():
        raise ContractError(document.located([Problem("training.distributed", OR_MODEL_FILE)]))
    return contract


def load_all(models_folder: Path) -> dict[str, Contract]:
    """Read the contract of every folder, by model name; raises ContractError with the problems of all of them."""
    if not models_folder.is_dir():
        raise ContractError((Problem("", "is not a folder of models", str(models_folder)),))
    contracts: dict[str, Contract] = {}
    problems: list[Problem] = []
    for folder in sorted(f for f in models_folder.iterdir() if f.is_dir() and f.name[0] not in "._"):
        try:
            contracts[folder.name] = load(folder)
        except ContractError as error:
            problems.extend(error.problems)
    if problems:
        raise ContractError(tuple(problems))
    return contracts


def code_digest(root: Path, model: str) -> str:
    """sha256 of all code that decides what a job computes for `model`: another model's folder is not part of it."""
    digest = hashlib.sha256()
    for file in sorted(set(_code(root, model)), key=lambda file: file.relative_to(root).as_posix()):
        name = file.relative_to(root).as_posix()
        digest.update(f"{name}\0{hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def libs_digest(root: Path) -> str:
    """sha256 of the locks of what jobs run with; raises ContractError where one is missing."""
    digest = hashlib.sha256()
    for lock in JOB_LOCKS:
        if not (root / lock).is_file():
            raise ContractError((Problem("", "is missing; it is part of what a job computes", str(root / lock)),))
        digest.update(f"{lock}\0{hashlib.sha256((root / lock).read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def catalogue(root: Path) -> dict[str, dict[str, Any]]:
    """What functions know of the models, as JSON: the contract, and the digests of all that is deployed for it."""
    contracts, libs = load_all(root / MODELS), libs_digest(root)
    return {
        model: {
            "contract": contract.to_dict(),
            "contract_digest": contract.digest,
            "code_digest": code_digest(root, model),
            "libs_digest": libs,
        }
        for model, contract in contracts.items()
    }


def _code(root: Path, model: str) -> Iterator[Path]:
    models = root / MODELS
    yield from (file for file in (root / "training").rglob("*.py") if not file.is_relative_to(models))
    yield from (file for file in (models / model).rglob("*") if _is_source(file, models / model))
    yield from (root / "retide/domain").glob("*.py")


def _is_source(file: Path, folder: Path) -> bool:
    """Whether a job could read it; no job ever sees the sample."""
    parts = file.relative_to(folder).parts
    hidden = "__pycache__" in parts or any(part.startswith(".") for part in parts)
    return file.is_file() and not hidden and parts != (SAMPLE_FILE,)
