"""Make a model's files from a file of its data: a contract that takes that very file, a sample, code where asked."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import duckdb

from retide.contracts import CONTRACT_FILE, SAMPLE_FILE, load
from retide.data.findings import Refused, in_words
from retide.data.judge import judge
from retide.domain.contract import Contract
from retide.domain.severity import is_row_rule
from retide.domain.verdict import Finding, Verdict
from retide.inference.code import MODEL_FILE, model_text
from retide.inference.draft import Draft, Wishes, draft, in_part
from retide.inference.errors import CannotInfer
from retide.inference.evidence import is_renaming
from retide.inference.sample import sample_text
from retide.inference.table import Table, opened
from retide.inference.wording import percent
from retide.inference.writing import contract_text

MOST_REJECTED: Final = 0.5
_OURS: Final = (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException)  # never the file's fault


@dataclass(frozen=True, slots=True)
class Proposal:
    """The files of a model by name, the draft that they come from, and what the gate says of the file by them."""

    draft: Draft
    verdict: Verdict
    files: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Judged:
    verdict: Verdict
    rejected: frozenset[int]


def propose(file: Path, wishes: Wishes, *, with_model: bool = False) -> Proposal:
    """Raises CannotInfer where the file is no table to learn from, or does not fit the wishes."""
    try:
        with opened(file, wishes.target, wishes.columns) as table, TemporaryDirectory(prefix="retide-") as scratch:
            found, judged = _fitted(draft(table, wishes), table, file, Path(scratch))
            files = {CONTRACT_FILE: contract_text(found, file.name)}
            files[SAMPLE_FILE] = sample_text(table, found, judged.rejected)
    except Refused as refused:
        raise CannotInfer(" ".join(map(str, refused.findings))) from None
    except duckdb.Error as error:
        if isinstance(error, _OURS):
            raise
        raise CannotInfer(f"it breaks while it is read ({in_words(error)}); export it again") from None
    if with_model:
        files[MODEL_FILE] = model_text(found.contract)
    return Proposal(found, judged.verdict, files)


def _fitted(found: Draft, table: Table, file: Path, scratch: Path) -> tuple[Draft, _Judged]:
    """The draft with what judging the file by it has shown: features that are the target, rows that break a rule."""
    judged = _judge(found, file, scratch)
    if not judged.verdict.accepted:
        found = _with_rejection(found, judged.verdict, file, scratch)
        judged = _judge(found, file, scratch)
    leaking = [one for one in judged.verdict.findings if one.rule == "leakage"]
    if leaking:
        found = _with_leakage(found, table, leaking)
        judged = _judge(found, file, scratch)
    if not judged.verdict.accepted:
        raise CannotInfer(f"no contract could be drafted that takes it: {judged.verdict.reason}")
    return found, judged


def _judge(found: Draft, file: Path, scratch: Path) -> _Judged:
    """By the contract as it is read back from what will be written."""
    contract = _read_back(found, file, scratch)
    rejected = scratch / "rejected.csv"
    rejected.unlink(missing_ok=True)
    verdict = judge(file, contract, rejected=rejected, name=file.name)
    return _Judged(verdict, frozenset(_numbers(rejected)) if rejected.exists() else frozenset())


def _read_back(found: Draft, file: Path, scratch: Path) -> Contract:
    folder = scratch / found.contract.model
    folder.mkdir(exist_ok=True)
    (folder / CONTRACT_FILE).write_text(contract_text(found, file.name), encoding="utf-8")
    return load(folder)


def _numbers(rejected: Path) -> Iterator[int]:
    with rejected.open(encoding="utf-8", newline="") as rows:
        lines = csv.reader(rows)
        next(lines)
        yield from (int(row[0]) for row in lines)


def _with_rejection(found: Draft, verdict: Verdict, file: Path, scratch: Path) -> Draft:
    """Rows that break a rule are taken out, up to a share that has room for a few more than there are."""
    if not all(is_row_rule(one.rule) for one in verdict.refusals):
        raise CannotInfer(verdict.reason)
    tried = _judge(in_part(found, MOST_REJECTED, ""), file, scratch).verdict
    if not tried.accepted:
        raise CannotInfer(f"more than {percent(MOST_REJECTED)} of its rows are of no use: {verdict.reason}")
    share = tried.rejected / (tried.rows + tried.rejected)
    said = f"{tried.rejected:,} of {tried.rows + tried.rejected:,} rows here ({', '.join(_subjects(verdict))})"
    return in_part(found, min(1.0, math.ceil(150 * share + 0.5) / 100), said)


def _subjects(verdict: Verdict) -> Iterator[str]:
    yield from dict.fromkeys(f"{one.column or 'the row'}: {one.rule}" for one in verdict.refusals)


def _with_leakage(found: Draft, table: Table, leaking: list[Finding]) -> Draft:
    """A copy of the target teaches nothing but itself; what only comes near to it, a person must judge."""
    asks, guesses = list(found.asks), {one.name: one for one in found.guesses}
    for one in leaking:
        known = guesses[one.column]
        if is_renaming(table, one.column, found.contract.target):
            guesses[one.column] = known.changed("the target in other words", feature=False)
            asks.append(f"{one.column}: is the target in other words, so that nothing is learned from it")
        else:
            guesses[one.column] = known.changed("all but tells the target")
            asks.append(f"{one.column}: alone tells nearly all of the target; is it known before the target is?")
    columns = tuple(one.column for one in guesses.values())
    contract = replace(found.contract, columns=columns)
    if not contract.features:
        raise CannotInfer("every column tells the target in every row: nothing is left to learn from")
    return replace(found, contract=contract, guesses=tuple(guesses.values()), asks=tuple(asks))
