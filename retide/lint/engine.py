"""Lint the folders of models: contract, code and sample of each, without importing or running any of it."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from retide.contracts import CONTRACT_FILE, SAMPLE_FILE, load
from retide.domain.contract import Contract
from retide.domain.reader import ContractError, Problem
from retide.domain.verdict import Judge
from retide.lint import places, sample, source, suppressions
from retide.lint.checks import building, columns, contracts, conversion, effects, leakage, randomness, samples
from retide.lint.checks.contracts import Terms
from retide.lint.findings import Finding, Severity
from retide.lint.model import Check, Subject
from retide.lint.places import Places
from retide.lint.rules import RULES
from retide.lint.sample import Sample

CODE_CHECKS: Final[tuple[Check, ...]] = (
    building.build_is_there,
    leakage.fits_in_build,
    leakage.fits_before_splits,
    randomness.global_random,
    randomness.unseeded_splits,
    randomness.changing_seeds,
    randomness.parallel_fits,
    randomness.sets_in_order,
    columns.columns,
    columns.targets_by_role,
    columns.positions,
    columns.unused_features,
    columns.unencoded_categories,
    columns.unseen_categories,
    conversion.steps_without_converter,
    conversion.python_functions,
    conversion.own_estimators,
    effects.outside_world,
    effects.imports,
    effects.global_state,
)
CONTRACT_CHECKS: Final = (
    contracts.floors,
    contracts.scales,
    contracts.constants,
    contracts.identifiers,
    contracts.missing_values,
    contracts.windows,
    contracts.segments,
    contracts.names,
    samples.giveaways,
)


@dataclass(frozen=True, slots=True)
class Report:
    """The models that were looked at, and what was found, by file and line."""

    models: tuple[str, ...]
    findings: tuple[Finding, ...]

    def count(self, severity: Severity) -> int:
        return sum(RULES[finding.code].severity is severity for finding in self.findings)

    def passes(self, *, strict: bool) -> bool:
        return not self.count(Severity.ERROR) and not (strict and self.count(Severity.WARNING))


def lint(folders: Iterable[Path], judge: Judge) -> Report:
    """Every folder is one model; `judge` is who judges arriving files, for the samples."""
    chosen = sorted(folders)
    found = [finding for folder in chosen for finding in _model(folder, judge)]
    return Report(tuple(folder.name for folder in chosen), tuple(found))


def model_folders(models: Path) -> list[Path]:
    """The folders of models; raises FileNotFoundError where there is no such folder."""
    return [folder for folder in models.iterdir() if folder.is_dir() and folder.name[0] not in "._"]


def _model(folder: Path, judge: Judge) -> list[Finding]:
    file, scripts = folder / CONTRACT_FILE, _scripts(folder)
    found: list[Finding] = []
    contract = None
    try:
        contract = load(folder)
        found += _contract(folder, contract, judge)
    except ContractError as error:
        found += [_located(problem, places.read(file)) for problem in error.problems]
    for script in scripts:
        found += _script(script, contract, folder)
    wishes = [wish for path in (file, *scripts) for wish in suppressions.read(path)]
    return sorted(set(suppressions.apply(found, wishes)))


def _scripts(folder: Path) -> list[Path]:
    hidden = re.compile(r"__pycache__|\..*")
    inside = (file for file in folder.rglob("*.py") if file.is_file())
    return sorted(f for f in inside if not any(hidden.fullmatch(part) for part in f.relative_to(folder).parts))


def _located(problem: Problem, where: Places) -> Finding:
    """At the place that it says; without one, where the file begins."""
    said = f"{problem.path}: {problem.message}" if problem.path else problem.message
    if mark := re.search(r":(\d+):(\d+)$", problem.where):
        return Finding(where.document.file, int(mark[1]), int(mark[2]), "RT001", said)
    return where.at("RT001", problem.path, said)


def _contract(folder: Path, contract: Contract, judge: Judge) -> Iterator[Finding]:
    where, file = places.read(folder / CONTRACT_FILE), folder / SAMPLE_FILE
    accepted = None
    if file.is_file():
        verdict = judge(file, contract)
        yield from samples.refusals(file, verdict)
        yield from samples.size(file, verdict)
        accepted = _accepted(file, contract) if verdict.accepted else None
    else:
        yield Finding(file, 1, 1, "RT703", f"model {contract.model!r} has no {SAMPLE_FILE}")
    for check in CONTRACT_CHECKS:
        yield from check(Terms(contract, where, accepted))


def _accepted(file: Path, contract: Contract) -> Sample | None:
    """None for what the judge can read and this cannot: a sample packed or encoded in its own way."""
    try:
        return sample.read(file, contract)
    except (OSError, ValueError, csv.Error):
        return None


def _script(file: Path, contract: Contract | None, folder: Path) -> list[Finding]:
    found = source.read(file)
    if isinstance(found, Finding):
        return [found]
    subject = Subject(found, contract, folder)
    try:
        return [finding for check in CODE_CHECKS for finding in check(subject)]
    except RecursionError:
        return [Finding(file, 1, 1, "RT002", "is nested too deeply to be looked through")]
