"""Gate: decide about the challenger, and keep the decision where nobody can lose it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from retide.domain import gate as rules
from retide.domain import layout
from retide.domain.case import Case
from retide.domain.contract import Contract
from retide.domain.evaluation import Evaluation, read
from retide.domain.gate import Decision, Outcome
from retide.domain.layout import RunId
from retide.domain.record import Verdict
from retide.ledger import Ledger
from retide.ports import Objects
from retide.steps import documents


@dataclass(frozen=True, slots=True)
class GateRequest:
    run: str
    fence: int
    dataset: str
    job: str


@dataclass(frozen=True, slots=True)
class GateResult:
    outcome: Outcome


def gate(request: GateRequest, *, ledger: Ledger, objects: Objects, contract: Contract) -> GateResult:
    run = RunId.parse(request.run)
    ledger.check(run.model, request.fence)
    key = layout.run(request.run, run.model, "evaluation/evaluation.json")
    data = objects.get(key)
    evaluation = read(Evaluation, data, objects.uri(key))
    _check_subject(evaluation, request, contract)
    case = Case(evaluation, contract.metric, contract.drift, contract.budgets)
    decision = rules.decide(case)
    documents.write(objects, run, "decision.json", _verdict(decision, case, hashlib.sha256(data).hexdigest()))
    return GateResult(decision.outcome)


def _check_subject(evaluation: Evaluation, request: GateRequest, contract: Contract) -> None:
    """An evaluation of something else must not decide about this challenger."""
    expected = (request.job, request.dataset, contract.metric.name)
    seen = (evaluation.challenger.job, evaluation.dataset, evaluation.metric)
    for name, wanted, found in zip(("job", "dataset", "metric"), expected, seen, strict=True):
        if wanted != found:
            raise ValueError(f"the evaluation is of {name} {found!r}, while this run's is {wanted!r}")


def _verdict(decision: Decision, case: Case, evaluation_digest: str) -> Verdict:
    challenger = case.evaluation.challenger
    return Verdict(
        decision.outcome.value,
        decision.findings,
        challenger.job,
        challenger.artefact_digest,
        case.evaluation.dataset,
        case.metric.name,
        case.score,
        evaluation_digest,
    )
