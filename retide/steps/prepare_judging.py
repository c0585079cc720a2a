"""Prepare judging: lay out what a job needs to judge one object that is too large for a function."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from retide.domain import judging, layout
from retide.domain.contract import Contract
from retide.domain.dataset import rules_digest
from retide.domain.judging import Terms
from retide.domain.layout import RunId
from retide.domain.ledger import ClaimedObject
from retide.domain.retrain import job_name
from retide.domain.sizes import TooLarge, resources
from retide.domain.verdict import Finding, Judge, Verdict
from retide.ledger import Ledger
from retide.ports import ObjectGone, Objects
from retide.steps.judging_context import Surroundings, terms_of
from retide.steps.validate import CRASHES


class Outcome(StrEnum):
    """`record`: there is nothing to judge (any more); what there is to record, Validate finds by itself."""

    JUDGE = "judge"
    RECORD = "record"


@dataclass(frozen=True, slots=True)
class PrepareJudgingRequest:
    """`object` is the id of one of the run's objects, `crash` what the job before this one said at its end."""

    run: str
    fence: int
    object: str
    crash: str = ""


@dataclass(frozen=True, slots=True)
class PrepareJudgingResult:
    """What the state machine hands to the job."""

    outcome: Outcome
    job: str = ""
    inputs: tuple[Mapping[str, Any], ...] = ()
    output: str = ""
    instance_type: str = ""
    volume_gib: int = 0
    max_runtime_seconds: int = 0
    code_file: str = ""


@dataclass(frozen=True, slots=True)
class JudgingParts:
    """Ports, the model's contract, and the deployment: `name` is one that no other deployment has."""

    ledger: Ledger
    objects: Objects
    judge: Judge
    contract: Contract
    stage: str
    name: str
    code_uri: str
    data_libs_uri: str


def prepare_judging(request: PrepareJudgingRequest, parts: JudgingParts) -> PrepareJudgingResult:
    """SageMaker's inputs know no versions: the job is given a copy of the very version that was claimed.

    A call that is repeated makes nothing twice; each one counts as a try to judge the object, as in Validate.
    """
    run = RunId.parse(request.run)
    claimed = parts.ledger.claimed_object(run, request.object)
    if request.crash:
        parts.ledger.note_crash(run, request.fence, claimed.id, request.crash)
    if claimed.state.terminal or claimed.tries >= CRASHES or not _lay_out(run, claimed, parts):
        return PrepareJudgingResult(Outcome.RECORD)
    keys = _lay_terms(run, request.fence, claimed, parts)
    parts.ledger.begin_judging(run, request.fence, claimed.id, claimed.tries + 1)
    return _result(run, claimed, keys, parts)


def _lay_terms(run: RunId, fence: int, claimed: ClaimedObject, parts: JudgingParts) -> bool:
    """What the object is judged against; true where files of keys belong to it, which are listed beside it."""
    around = Surroundings(run, fence, parts.contract, parts.ledger, parts.objects, parts.judge)
    context, names = terms_of(claimed, around)
    keys = tuple(name.removeprefix(layout.KEYS) for name in names)
    _put(parts.objects, judging.given(run, claimed.id, judging.TERMS), Terms(claimed.sha256, context, keys).to_dict())
    if keys:
        listed = judging.keys_list(parts.objects.uri(layout.KEYS), keys)
        _put(parts.objects, judging.beside(run, claimed.id, judging.KEYS_LIST), listed)
    return bool(keys)


def _lay_out(run: RunId, claimed: ClaimedObject, parts: JudgingParts) -> bool:
    """False where there is no such version any more, or no job could take it."""
    try:
        resources(claimed.key, claimed.size)
    except TooLarge as refusal:
        verdict = _refused(refusal, claimed, parts.contract)
        _put(parts.objects, judging.found(run, claimed.id, judging.VERDICT), verdict.to_dict())
        return False
    copy = judging.given(run, claimed.id, judging.DATA)
    try:
        if not parts.objects.exists(copy):
            parts.objects.copy(claimed.key, claimed.version, copy)
    except ObjectGone:
        return False
    return True


def _refused(refusal: TooLarge, claimed: ClaimedObject, contract: Contract) -> Verdict:
    advice = "Send it in several files, or, if it is sparse, as Parquet."
    finding = Finding("size", "", "an object that a job's disk takes", f"{claimed.size} bytes: {refusal}", advice)
    return Verdict(0, rules_digest(contract), (finding,))


def _put(objects: Objects, key: str, document: object) -> None:
    objects.put(key, json.dumps(document, ensure_ascii=False).encode())


def _inputs(run: RunId, claimed: ClaimedObject, keys: bool, parts: JudgingParts) -> tuple[Mapping[str, Any], ...]:
    uri = parts.objects.uri
    listed = uri(judging.beside(run, claimed.id, judging.KEYS_LIST))
    return (
        judging.channel("code", parts.code_uri),
        judging.channel("libs", parts.data_libs_uri),
        judging.channel("object", uri(judging.given(run, claimed.id))),
        *([judging.channel("keys", listed, "ManifestFile")] if keys else []),
    )


def _result(run: RunId, claimed: ClaimedObject, keys: bool, parts: JudgingParts) -> PrepareJudgingResult:
    needed = resources(claimed.key, claimed.size)
    return PrepareJudgingResult(
        Outcome.JUDGE,
        job_name(parts.stage, f"{run}-{claimed.id[:8]}-{claimed.tries + 1}", parts.name),
        _inputs(run, claimed, keys, parts),
        parts.objects.uri(judging.found(run, claimed.id).rstrip("/")),
        needed.instance_type,
        needed.volume_gib,
        needed.seconds,
        parts.code_uri.rpartition("/")[2],
    )
