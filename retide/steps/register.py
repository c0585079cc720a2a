"""Register: put the challenger into the model registry with its lineage, then approve or reject it by policy."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import islice
from typing import Final

from retide.domain import artefact, layout
from retide.domain import contract as contracts
from retide.domain.contract import Contract
from retide.domain.environment import package_group_name
from retide.domain.evaluation import Evaluation, read
from retide.domain.gate import Outcome as Gate
from retide.domain.layout import RunId
from retide.domain.ledger import Approval, Means, Standing
from retide.domain.model_card import Subject, card
from retide.domain.package import MODEL_DIGEST, SERVING_ENVIRONMENT, Facts
from retide.domain.record import Plan, Registration, Verdict
from retide.ledger import Ledger
from retide.ports import Document, NewPackage, ObjectGone, Objects, Registry, Signatures, Status
from retide.steps import documents
from retide.steps.certify import Case, certify

LOOKED_AT: Final = 20  # newest packages among which a run that was interrupted finds its own
SAME: Final = ("job", "champion")  # facts that tell one judgement of a model from another


class Outcome(StrEnum):
    APPROVED = "approved"
    AWAITING = "awaiting approval"
    KEPT = "kept"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class RegisterRequest:
    run: str
    fence: int
    asl_digest: str = ""


@dataclass(frozen=True, slots=True)
class RegisterResult:
    outcome: Outcome
    package: str


@dataclass(frozen=True, slots=True)
class Target:
    """How a package is judged, where it goes, in which image it is served, and what signs it, if anything does."""

    contract: Contract
    stage: str
    image: str
    signatures: Signatures | None = None

    def signed(self, facts: Facts) -> Facts:
        """By a role that no job has: who can write artefacts cannot sign them."""
        if self.signatures is None:
            return facts
        made = self.signatures.sign(facts.signed(package_group_name(self.stage, self.contract.model)))
        return replace(facts, signature=b64encode(made).decode())


def register(
    request: RegisterRequest,
    *,
    ledger: Ledger,
    objects: Objects,
    registry: Registry,
    target: Target,
) -> RegisterResult:
    run = RunId.parse(request.run)
    ledger.check(run.model, request.fence)
    verdict = documents.read(Verdict, objects, run, "decision.json")
    package = _package(run, verdict, request.asl_digest, objects, target)
    arn = _adopt(package, registry) or registry.create(package)
    if not registry.describe(arn).source:
        registry.point(arn, package.source)
    outcome, reason = _approval(verdict, target.contract)
    _judge(arn, outcome, reason, registry)
    registration = Registration(outcome.value, arn, reason)
    _remember(run, request.fence, registration, ledger)
    documents.write(objects, run, "registration.json", registration)
    return RegisterResult(outcome, arn)


def _package(run: RunId, verdict: Verdict, asl_digest: str, objects: Objects, target: Target) -> NewPackage:
    plan = documents.read(Plan, objects, run, "plan.json")
    held = _held(run.model, verdict, objects)
    facts = target.signed(_facts(Case(run, plan, verdict, held, asl_digest), objects)).to_properties()
    measured = layout.run(str(run), run.model, "evaluation/evaluation.json")
    archive = objects.uri(layout.artefact(run.model, verdict.job))
    subject = Subject(
        contract=target.contract,
        verdict=verdict,
        evaluation=read(Evaluation, objects.get(measured), measured),
        run=str(run),
        artefact=archive,
        dataset=objects.uri(layout.dataset(run.model, verdict.dataset, "manifest.json")),
        image=target.image,
        facts=facts,
    )
    return NewPackage(
        group=package_group_name(target.stage, run.model),
        token=hashlib.sha256(f"{target.stage}/{verdict.job}/{plan.champion}".encode()).hexdigest()[:36],
        description=f"Run {run}: {verdict.metric} {verdict.score:.4g} on the holdout, {verdict.outcome} by the gate",
        image=target.image,
        model_data_url=archive,
        environment={**SERVING_ENVIRONMENT, MODEL_DIGEST: held.digest},
        facts=facts,
        evaluation=Document(objects.uri(measured), verdict.evaluation_digest),
        source=objects.uri(layout.run(str(run), run.model, "record.json")),
        card=card(subject),
        commit=plan.commit,
        profile=_profile(run, verdict, objects),
    )


def _profile(run: RunId, verdict: Verdict, objects: Objects) -> Document | None:
    key = layout.dataset(run.model, verdict.dataset, "profile.json")
    try:
        return Document(objects.uri(key), hashlib.sha256(objects.get(key)).hexdigest())
    except ObjectGone:
        return None


def _facts(case: Case, objects: Objects) -> Facts:
    run, plan, verdict = case.run, case.plan, case.verdict
    certificate = certify(case, objects)
    decision = objects.get(layout.run(str(run), run.model, "decision.json"))
    return Facts(
        run=str(run),
        job=verdict.job,
        dataset=verdict.dataset,
        code_digest=plan.code_digest,
        contract_digest=plan.contract_digest,
        artefact_digest=verdict.artefact_digest,
        champion=plan.champion,
        decision=verdict.outcome,
        metric=verdict.metric,
        score=f"{verdict.score:.6g}",
        record=objects.uri(layout.run(str(run), run.model, "record.json")),
        decision_digest=hashlib.sha256(decision).hexdigest(),
        image=plan.image,
        libs_digest=plan.libs_digest,
        commit=plan.commit,
        archive_sha256=case.held.sha256,
        certificate=objects.uri(certificate.key),
        certificate_sha256=certificate.sha256,
    )


def _held(model: str, verdict: Verdict, objects: Objects) -> artefact.Contents:
    """What is registered is what was evaluated: raises Altered where it was exchanged since."""
    with objects.open(layout.artefact(model, verdict.job)) as stream:
        held = artefact.inspect(stream)
    if held.digest != verdict.artefact_digest:
        raise artefact.Altered(
            f"the artefact of {verdict.job} has the digest {held.digest[:12]}…, but "
            f"{verdict.artefact_digest[:12]}… was evaluated: it was exchanged, so it is not registered"
        )
    return held


def _adopt(package: NewPackage, registry: Registry) -> str | None:
    """The package that an interrupted call made of this job's model, as judged against this champion.

    Job names are unique for ever; a model that was judged again against another champion is another package.
    """
    for _, arn, _ in islice(registry.versions(package.group), LOOKED_AT):
        facts = registry.describe(arn).facts
        if all(facts.get(name) == package.facts[name] for name in SAME):
            return arn
    return None


def _approval(verdict: Verdict, contract: Contract) -> tuple[Outcome, str]:
    if verdict.outcome == Gate.REJECTED:
        return Outcome.REJECTED, "; ".join(verdict.reasons)
    if verdict.outcome == Gate.KEPT:
        return Outcome.KEPT, "; ".join(verdict.reasons)
    if contract.policy.approval is contracts.Approval.MANUAL:
        return Outcome.AWAITING, "the gate accepted it; its approval is left to a person"
    return Outcome.APPROVED, "the gate accepted it; the contract approves automatically"


def _judge(arn: str, outcome: Outcome, reason: str, registry: Registry) -> None:
    """Approval is always a second call: what is created as Approved may lack the field that the event's rule reads."""
    if outcome is Outcome.AWAITING:
        return
    status = Status.APPROVED if outcome is Outcome.APPROVED else Status.REJECTED
    if registry.describe(arn).status is not status:
        registry.judge(arn, status, reason)


def _remember(run: RunId, fence: int, made: Registration, ledger: Ledger) -> None:
    """Who decided, for those who ask later; or that somebody must."""
    asked = Approval(int(made.package.rpartition("/")[2]), made.package, str(run))
    if made.outcome == Outcome.AWAITING:
        ledger.ask_approval(run.model, asked, fence)
        return
    approved = made.outcome == Outcome.APPROVED
    standing, by = (Standing.APPROVED, "the contract") if approved else (Standing.REJECTED, "the gate")
    decided = replace(asked, standing=standing, means=Means.POLICY, by=by, reason=made.reason)
    ledger.note_approval(run.model, decided, fence)
