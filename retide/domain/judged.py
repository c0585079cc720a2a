"""Judge one file in its context, wherever it lies: in a function, or in a job for what is too large for one."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

from retide.domain.context import Context
from retide.domain.contract import Contract
from retide.domain.dataset import rules_digest
from retide.domain.judging import KEYS, REJECTED, ROWS
from retide.domain.verdict import Finding, Judge, Verdict


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict, and the folder with what it speaks of.

    An accepted file has its typed rows in ROWS, where the contract names what is unique everywhere the hashes of that
    in KEYS, and where rows were taken out those in REJECTED.
    """

    verdict: Verdict
    folder: Path


def judge_in_context(path: Path, contract: Contract, context: Context, folder: Path, judge: Judge) -> Judged:
    """Files that are sent twice repeat every key, and yet are no mistake: they are judged once more without the others.

    Where the rows are then, to the byte, those of an object that was accepted before, the file is a duplicate of it.
    An empty file of keys stands for an object that today's contract takes nothing of.
    """
    context = replace(context, earlier_keys=tuple(keys for keys in context.earlier_keys if keys.stat().st_size))
    found = _judge(path, contract, context, folder / "judged", judge)
    repeats = any(finding.rule == "unique" for finding in found.verdict.findings)
    if found.verdict.accepted or not repeats or not context.earlier_keys:
        return found
    alone = _judge(path, contract, replace(context, earlier_keys=()), folder / "alone", judge)
    return alone if alone.verdict.curated in context.known else found


def other_bytes(path: Path, sha256: str | None, contract: Contract) -> Verdict | None:
    """A refusal where the file is not the one that its batch's manifest lists."""
    if sha256 is None:
        return None
    with path.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found == sha256:
        return None
    advice = "The file was changed or cut on its way: send it again, or a manifest that lists what was meant."
    finding = Finding("manifest", "", f"the sha256 {sha256} of its batch's manifest", found, advice)
    return Verdict(0, rules_digest(contract), (finding,))


def _judge(path: Path, contract: Contract, context: Context, folder: Path, judge: Judge) -> Judged:
    folder.mkdir()
    verdict = judge(path, contract, keep=folder / ROWS, rejected=folder / REJECTED, keys=folder / KEYS, context=context)
    return Judged(verdict, folder)
