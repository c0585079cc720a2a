"""Certify: put together, from what a run has left, what its model was made of, and keep it where nothing changes it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from retide.domain import certificate as certificates
from retide.domain import layout
from retide.domain.artefact import Contents
from retide.domain.certificate import Certificate, Code, Data, Decided, Document, Made, Measured, Parent, Together
from retide.domain.codec import serialise
from retide.domain.evaluation import Evaluation, read
from retide.domain.layout import RunId
from retide.domain.record import Plan, Verdict, document_bytes
from retide.ports import Objects


@dataclass(frozen=True, slots=True)
class Case:
    """The run, what it has written so far, what its artefact holds, and the digest of its state machine."""

    run: RunId
    plan: Plan
    verdict: Verdict
    held: Contents
    asl_digest: str


def certify(case: Case, objects: Objects) -> Document:
    """Equal documents are equal bytes under an equal name: called again, it changes nothing."""
    data = document_bytes(serialise(_certificate(case, objects)))
    key = layout.run(str(case.run), case.run.model, certificates.file_name(data))
    if not objects.exists(key):
        objects.put(key, data)
    return Document(key, hashlib.sha256(data).hexdigest())


def _certificate(case: Case, objects: Objects) -> Certificate:
    plan = case.plan
    document, content = _read(_beside(case, "evaluation/evaluation.json"), objects)
    found = read(Evaluation, content, document.key)
    return Certificate(
        format=certificates.FORMAT,
        model=case.run.model,
        run=str(case.run),
        job=case.verdict.job,
        artefact=_made(case, objects),
        data=_data(case, objects),
        code=Code(
            digest=plan.code_digest,
            contract_digest=plan.contract_digest,
            libs_digest=plan.libs_digest,
            image=plan.image,
            commit=plan.commit,
            asl_digest=case.asl_digest,
            code_uri=plan.code_uri,
            libs_uri=plan.libs_uri,
        ),
        hyperparameters=_told(plan, found),
        evaluation=_measured(case, document, found),
        decision=_decided(case, objects),
        parent=Parent(plan.champion, plan.champion_job),
        boosting=_together(plan, found),
    )


def _together(plan: Plan, found: Evaluation) -> Together | None:
    made = found.challenger.boosting
    return Together(plan.boosting, plan.boosting_image, made) if plan.boosting and made else None


def _told(plan: Plan, found: Evaluation) -> Mapping[str, str]:
    """The plan's, with the parameters that a tuning job found in the place of those that it began with."""
    if not plan.tuning:
        return plan.hyperparameters
    return {**plan.hyperparameters, "params": json.dumps(dict(found.challenger.params or {}), sort_keys=True)}


def _made(case: Case, objects: Objects) -> Made:
    key = layout.artefact(case.run.model, case.verdict.job)
    return Made(case.held.digest, Document(key, case.held.sha256, _version(key, objects)), case.held.members)


def _data(case: Case, objects: Objects) -> Data:
    document, content = _read(layout.dataset(case.run.model, case.verdict.dataset, "manifest.json"), objects)
    raw: dict[str, Any] = json.loads(content)
    return Data(
        id=raw["dataset"],
        manifest=document,
        rows=raw["rows"],
        bucket_threshold=raw["bucket_threshold"],
        cutoff=raw["cutoff"],
        objects=certificates.sources(raw["objects"]),
    )


def _measured(case: Case, document: Document, found: Evaluation) -> Measured:
    return Measured(
        document=document,
        metric=found.metric,
        score=case.verdict.score,
        holdout_rows=found.holdout_rows,
        metrics=found.challenger.metrics,
        segments=found.segments,
        champion=found.champion.metrics if found.champion else None,
        threshold=found.challenger.threshold,
        interval=found.challenger.interval,
    )


def _decided(case: Case, objects: Objects) -> Decided:
    document, _ = _read(_beside(case, "decision.json"), objects)
    return Decided(document, case.verdict.outcome, case.verdict.findings)


def _beside(case: Case, name: str) -> str:
    return layout.run(str(case.run), case.run.model, name)


def _read(key: str, objects: Objects) -> tuple[Document, bytes]:
    """A document as it is now, named by the version that was read."""
    version = _version(key, objects)
    content = objects.get(key, version or None)
    return Document(key, hashlib.sha256(content).hexdigest(), version), content


def _version(key: str, objects: Objects) -> str:
    head = objects.head(key)
    return head.version if head is not None else ""
