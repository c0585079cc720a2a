"""Let the code of two checkouts meet on a model's sample: judged, trained, evaluated and gated as a retrain does it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from infra import bundles
from retide.contracts import MODELS, SAMPLE_FILE, code_digest, load
from retide.data import judge
from retide.domain import evaluation, gate
from retide.domain.case import Case
from retide.domain.contract import Contract
from retide.domain.evaluation import Evaluation
from retide.domain.gate import Decision
from retide.domain.verdict import Verdict
from scripts.jobs import Dataset, Jobs, Outcome

CHALLENGER: Final = "head"
CHAMPION: Final = "base"


@dataclass(frozen=True, slots=True)
class Side:
    """A model as one checkout has it."""

    root: Path
    contract: Contract
    code_digest: str

    @classmethod
    def read(cls, root: Path, model: str) -> Side:
        """Raises ContractError."""
        return cls(root, load(root / MODELS / model), code_digest(root, model))

    @property
    def sample(self) -> Path:
        return self.root / MODELS / self.contract.model / SAMPLE_FILE

    @property
    def recipe(self) -> tuple[str, str]:
        """What decides which model comes of the same rows."""
        return self.code_digest, self.contract.digest

    def files(self) -> Mapping[str, bytes]:
        """The code of the jobs, with this one model."""
        known = {"contract": self.contract.to_dict(), "code_digest": self.code_digest}
        return bundles.training_files(self.root, {self.contract.model: known})


@dataclass(frozen=True, slots=True)
class Judged:
    """A sample as one side's contract sees it; `dataset` is None where it is refused."""

    verdict: Verdict
    dataset: Dataset | None


@dataclass(frozen=True, slots=True)
class Contest:
    """What came of it: `broken` is why the challenger could not be made, `unopposed` why there is no champion."""

    decision: Decision | None = None
    evaluation: Evaluation | None = None
    broken: str = ""
    unopposed: str = ""


def judged(side: Side, sample: Path, folder: Path) -> Judged:
    folder.mkdir(parents=True)
    rows = folder / "rows.parquet"
    verdict = judge(sample, side.contract, keep=rows)
    if not verdict.accepted:
        return Judged(verdict, None)
    return Judged(verdict, Dataset.of(rows, verdict.curated or "", verdict.rows, side.contract))


def contest(
    head: Side, base: Side | None, sample: Dataset, former: Dataset | None, libs: Path, folder: Path
) -> Contest:
    """`sample` as head reads it, `former` as base reads it; `folder` is new and takes both jobs' files."""
    jobs = Jobs(folder / "head", head.contract.model, head.files(), libs)
    jobs.give(sample)
    ended = _trained(jobs, head, CHALLENGER)
    if ended.code:
        return Contest(broken=_told(ended))
    jobs.keep_model(CHALLENGER)
    unopposed = _champion(base, former, jobs, libs, folder / "base")
    ended = jobs.evaluate(CHALLENGER, "" if unopposed else CHAMPION)
    if ended.code:
        return Contest(broken=_told(ended), unopposed=unopposed)
    found = evaluation.read(Evaluation, json.dumps(jobs.output("evaluation.json")).encode(), "evaluation.json")
    return Contest(
        gate.decide(Case(found, head.contract.metric, budgets=head.contract.budgets)), found, unopposed=unopposed
    )


def _champion(base: Side | None, former: Dataset | None, jobs: Jobs, libs: Path, folder: Path) -> str:
    """Train base's model and lay it beside the challenger; returns why there is none, or nothing."""
    if base is None:
        return "the model is new"
    if former is None:
        return "base's contract refuses the sample, so base's model cannot be trained on it"
    theirs = Jobs(folder, base.contract.model, base.files(), libs)
    theirs.give(former)
    ended = _trained(theirs, base, CHAMPION)
    if ended.code:
        return f"base's model cannot be trained: {_told(ended)}"
    jobs.keep(theirs.base / "model", CHAMPION)
    return ""


def _trained(jobs: Jobs, side: Side, job: str) -> Outcome:
    settings: dict[str, Any] = {
        "code_digest": side.code_digest,
        "seed": str(side.contract.training.seed),
        "params": json.dumps(dict(side.contract.params), sort_keys=True),
    }
    return jobs.train(job, **settings)


def _told(ended: Outcome) -> str:
    """The job's own reason, or the end of its log where it died without a word."""
    lines = ended.log.strip().splitlines() or ["it said nothing"]
    return ended.reason or f"the job ended with exit code {ended.code}: {lines[-1]}"
