"""Retide's own judge, as the function Validate calls it: every rule, exact uniqueness, the profile and drift."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

from benchmarks.judging.contestant import Found, Task
from benchmarks.judging.contract import KINDS, contract
from benchmarks.judging.rules import ARRIVED
from retide.data import judge as judged
from retide.domain.context import Context
from retide.domain.profile import Profile
from retide.domain.verdict import Verdict


def judge(task: Task, keep: Path | None = None) -> tuple[int, Found]:
    reference = Profile.from_dict(json.loads(task.prepared.read_text()))
    context = Context(reference, "the reference", arrived=datetime.fromisoformat(ARRIVED))
    verdict = judged(task.path, contract(task.rules), keep=keep, context=context)
    return verdict.rows, found(verdict)


def found(verdict: Verdict) -> Found:
    """A rule that is none of the kinds that are planted appears by its own name: a false alarm is seen as one."""
    kinds: dict[str, int | None] = {}
    for finding in verdict.findings:
        kinds.setdefault(KINDS.get(finding.rule, finding.rule), finding.examples[0].row if finding.examples else None)
    return kinds


def prepare(task: Task) -> None:
    """The reference as its profile, which is what the ledger keeps of a champion's training data."""
    verdict = judged(task.reference, contract(task.rules))
    if verdict.profile is None:
        raise SystemExit(f"the reference was refused: {verdict.reason}")
    task.prepared.write_text(json.dumps(verdict.profile.to_dict()))
