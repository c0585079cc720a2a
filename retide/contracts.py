"""Load the contracts of a checkout from YAML, and digest what makes a model so that a change of it can be seen."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import yaml

from retide.domain.contract import Contract, parse
from retide.domain.reader import ContractError, Problem

CONTRACT_FILE: Final = "contract.yaml"
SAMPLE_FILE: Final = "sample.csv"
MODELS: Final = Path("training/models")
JOB_LOCKS: Final = ("requirements/jobs.txt", "requirements/job-convert.txt", "requirements/job-runtime.txt")


class _Loader(yaml.SafeLoader):
    """The safe loader, less YAML's trap that the last of two equal keys wins, and reading 1e-3 as the number it is."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[object] = set()
        for key, _ in node.value:
            name = self.construct_object(key, deep=True) if isinstance(key, yaml.ScalarNode) else None
            if name is not None and name in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{name!r} is given twice", key.start_mark)
            seen.add(name)
        return super().construct_mapping(node, deep)


_EXPONENT: Final = re.compile(r"[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+")
_Loader.add_implicit_resolver("tag:yaml.org,2002:float", _EXPONENT, list("-+0123456789"))


def load(folder: Path) -> Contract:
    """Read `<folder>/contract.yaml`; the folder's name is the model's.

    Raises ContractError with every problem, each with the file and the line where it can be found.
    """
    file = folder / CONTRACT_FILE
    raw, lines = _read(file)
    try:
        return parse(raw, folder.resolve().name)
    except ContractError as error:
        raise ContractError(tuple(_located(problem, file, lines) for problem in error.problems)) from None


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


def _read(file: Path) -> tuple[object, Mapping[str, int]]:
    """The plain values of a YAML file, and the line of every path in it (`columns.age.min`)."""
    try:
        loader = _Loader(file.read_text(encoding="utf-8-sig"))
        node = loader.get_single_node()
        raw = None if node is None else loader.construct_document(node)
    except OSError as error:
        raise ContractError((Problem("", f"cannot be read: {error.strerror}", str(file)),)) from None
    except UnicodeDecodeError as error:
        raise ContractError((Problem("", f"is not UTF-8 text (byte {error.start})", str(file)),)) from None
    except RecursionError:
        raise ContractError((Problem("", "is nested too deeply or refers to itself", str(file)),)) from None
    except yaml.YAMLError as error:
        raise ContractError((_yaml_problem(file, error),)) from None
    return raw, dict(_lines(node, "", frozenset()))


def _yaml_problem(file: Path, error: yaml.YAMLError) -> Problem:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    where = f"{file}:{mark.line + 1}:{mark.column + 1}" if mark else str(file)
    said = " ".join(str(getattr(error, "problem", None) or error).split())
    return Problem("", f"is not YAML that can be used: {said}", where)


def _lines(node: yaml.Node | None, path: str, above: frozenset[int]) -> Iterator[tuple[str, int]]:
    if not isinstance(node, yaml.MappingNode) or id(node) in above:
        return
    for key, value in node.value:
        name = f"{path}.{key.value}" if path else str(key.value)
        yield name, key.start_mark.line + 1
        yield from _lines(value, name, above | {id(node)})


def _located(problem: Problem, file: Path, lines: Mapping[str, int]) -> Problem:
    """The line of the path itself, or of the closest thing above it that the file does hold."""
    path = problem.path
    while path and path not in lines:
        path = path.rpartition(".")[0]
    return replace(problem, where=f"{file}:{lines[path]}" if path else str(file))
