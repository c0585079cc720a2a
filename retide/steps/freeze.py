"""Freeze: fix which accepted data this run learns from, and give it its identity."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from functools import reduce
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from retide.domain import layout
from retide.domain.catalogue import Catalogue
from retide.domain.contract import Contract
from retide.domain.dataset import Part, Selection, bucket_threshold, dataset_id, rules_digest, select
from retide.domain.layout import RunId
from retide.domain.ledger import AcceptedObject, Claim, ObjectState
from retide.domain.profile import Profile
from retide.domain.verdict import Judge, Verdict
from retide.ledger import Ledger
from retide.ports import Clock, Objects


class FreezeOutcome(StrEnum):
    """`quarantined`: all that the run was started for was refused; `empty`: there is no data that can be used."""

    FROZEN = "frozen"
    QUARANTINED = "quarantined"
    EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class FreezeRequest:
    run: str
    fence: int


@dataclass(frozen=True, slots=True)
class Frozen:
    """`id` is empty and `rows` 0 unless frozen."""

    outcome: FreezeOutcome
    id: str = ""
    rows: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class _Member:
    """One accepted object as today's contract sees it: `verdict` may refuse what was right when it arrived."""

    part: Part
    verdict: Verdict


def freeze(
    request: FreezeRequest, *, catalogue: Catalogue, objects: Objects, ledger: Ledger, judge: Judge, clock: Clock
) -> Frozen:
    """Nothing is written to the ledger, and what goes to S3 is named by its content: any call can be repeated."""
    run = RunId.parse(request.run)
    contract = catalogue[run.model].contract
    claim = ledger.claimed(run)
    refused = _refused(claim)
    if refused and not claim.requests:
        return Frozen(FreezeOutcome.QUARANTINED, reason=refused)
    accepted = {found.id: found for found in ledger.accepted(run.model)}
    chosen = select([_part(found) for found in accepted.values()], contract.window)
    members = [_member(part, accepted[part.id].verdict, contract, objects, judge) for part in chosen.parts]
    usable = _distinct(member for member in members if member.verdict.accepted)
    if not usable:
        outcome = FreezeOutcome.QUARANTINED if refused else FreezeOutcome.EMPTY
        return Frozen(outcome, reason=refused or _empty(members))
    selection = Selection(tuple(member.part for member in usable), chosen.cutoff)
    name = dataset_id(selection, contract)
    if not objects.exists(layout.dataset(run.model, name, "manifest.json")):
        left_out = [member for member in members if not member.verdict.accepted]
        _write(name, selection, usable, _left_out(left_out), contract, objects, clock)
    return Frozen(FreezeOutcome.FROZEN, name, sum(part.rows for part in selection.parts))


def _refused(claim: Claim) -> str:
    """Why this run's own data is of no use; empty where some of it is, or where none came."""
    states = [claimed.state for claimed in claim.objects]
    usable = {ObjectState.ACCEPTED, ObjectState.DUPLICATE}
    if ObjectState.QUARANTINED not in states or usable.intersection(states):
        return ""
    return f"{states.count(ObjectState.QUARANTINED)} of {len(states)} objects were refused, and none could be used"


def _part(accepted: AcceptedObject) -> Part:
    return Part(accepted.id, accepted.key, accepted.version, accepted.curated, accepted.rows, accepted.event_to)


def _member(part: Part, verdict: str, contract: Contract, objects: Objects, judge: Judge) -> _Member:
    """What was accepted under other rules is judged again by today's, once; that verdict is kept beside the first."""
    rules = rules_digest(contract)
    found = _read(objects, verdict)
    if found.rules != rules:
        again = layout.verdict(contract.model, f"{part.id}-{rules[:32]}")
        found = _read(objects, again) if objects.exists(again) else _judge_again(part, again, contract, objects, judge)
    return _Member(replace(part, curated=found.curated or part.curated, rows=found.rows), found)


def _judge_again(part: Part, kept: str, contract: Contract, objects: Objects, judge: Judge) -> Verdict:
    with TemporaryDirectory(prefix="retide-") as folder:
        old, new = Path(folder) / "old.parquet", Path(folder) / "new.parquet"
        objects.download(layout.curated(contract.model, part.curated), None, old)
        verdict = judge(old, contract, keep=new)
        if verdict.accepted:
            objects.upload(new, layout.curated(contract.model, verdict.curated or ""))
    objects.put(kept, json.dumps({"object": asdict(part), **verdict.to_dict()}, ensure_ascii=False).encode())
    return verdict


def _read(objects: Objects, key: str) -> Verdict:
    return Verdict.from_dict(json.loads(objects.get(key)))


def _distinct(members: Iterable[_Member]) -> tuple[_Member, ...]:
    """Rows that were told apart by a column that today's contract does not know are the same file now."""
    return tuple({member.part.curated: member for member in members}.values())


def _empty(members: list[_Member]) -> str:
    if not members:
        return "no data has been accepted yet"
    return f"none of {len(members)} accepted objects fits the contract any more: {members[-1].verdict.reason}"


def _left_out(members: list[_Member]) -> list[dict[str, Any]]:
    return [
        {"id": member.part.id, "curated": member.part.curated, "reason": member.verdict.reason} for member in members
    ]


def _write(
    name: str,
    selection: Selection,
    members: tuple[_Member, ...],
    left_out: list[dict[str, Any]],
    contract: Contract,
    objects: Objects,
    clock: Clock,
) -> None:
    """The manifest comes last: where it is, the dataset is whole."""
    profiles = [member.verdict.profile for member in members if member.verdict.profile]
    manifest = {
        "dataset": name,
        "model": contract.model,
        "rows": sum(part.rows for part in selection.parts),
        "contract_digest": contract.digest,
        "window": contract.to_dict()["window"],
        "cutoff": selection.cutoff,
        "bucket_threshold": bucket_threshold(contract),
        "objects": [asdict(part) for part in selection.parts],
        "left_out": left_out,
        "created_at": clock.now().isoformat(),
    }
    _put(objects, contract, name, "profile.json", reduce(Profile.merge, profiles).to_dict())
    _put(objects, contract, name, "files.manifest", _files(selection, contract, objects))
    _put(objects, contract, name, "manifest.json", manifest)


def _files(selection: Selection, contract: Contract, objects: Objects) -> list[Any]:
    """SageMaker's list of files: a common prefix, then names."""
    folder, _, _ = layout.curated(contract.model, "").rpartition("/")
    names = [layout.curated(contract.model, part.curated).rpartition("/")[2] for part in selection.parts]
    return [{"prefix": f"{objects.uri(folder)}/"}, *names]


def _put(objects: Objects, contract: Contract, dataset: str, name: str, content: object) -> None:
    data = json.dumps(content, ensure_ascii=False, indent=1).encode()
    objects.put(layout.dataset(contract.model, dataset, name), data)
