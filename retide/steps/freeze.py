"""Freeze: fix which accepted data this run learns from, and give it its identity."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from retide.domain import layout
from retide.domain.catalogue import Catalogue
from retide.domain.context import Basis
from retide.domain.contract import Contract
from retide.domain.dataset import Selection, dataset_id, select
from retide.domain.drift import drift, pairs
from retide.domain.layout import RunId
from retide.domain.ledger import Claim, ObjectState
from retide.domain.profile import Profile
from retide.domain.split import split_of
from retide.domain.verdict import Judge
from retide.ledger import Ledger
from retide.ports import Clock, Objects
from retide.steps.gathering import Gathered, gather
from retide.steps.judging_context import REFERENCE, Surroundings, basis_of, part, reference


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


def freeze(
    request: FreezeRequest, *, catalogue: Catalogue, objects: Objects, ledger: Ledger, judge: Judge, clock: Clock
) -> Frozen:
    """Any call can be repeated: S3's keys name their content, and of the ledger only the run's basis is fixed, once."""
    run = RunId.parse(request.run)
    contract = catalogue[run.model].contract
    claim = ledger.claimed(run)
    refused = _refused(claim)
    if refused and not claim.requests:
        return Frozen(FreezeOutcome.QUARANTINED, reason=refused)
    accepted = {found.id: found for found in ledger.accepted(run.model)}
    chosen = select([part(found) for found in accepted.values()], contract.window)
    gathered = gather(((one, accepted[one.id].verdict) for one in chosen.parts), contract, objects, judge)
    if gathered.profile is None:
        outcome = FreezeOutcome.QUARANTINED if refused else FreezeOutcome.EMPTY
        return Frozen(outcome, reason=refused or _empty(gathered))
    selection = Selection(gathered.parts, chosen.cutoff)
    name = dataset_id(selection, contract)
    if not objects.exists(layout.dataset(run.model, name, "manifest.json")):
        basis = basis_of(Surroundings(run, request.fence, contract, ledger, objects, judge))
        manifest = _manifest(name, selection, gathered, contract)
        manifest["drift"] = _drift(name, gathered.profile, basis, contract, objects)
        manifest["created_at"] = clock.now().isoformat()
        _write(selection, gathered.profile, manifest, contract, objects)
    return Frozen(FreezeOutcome.FROZEN, name, sum(one.rows for one in selection.parts))


def _refused(claim: Claim) -> str:
    """Why this run's own data is of no use; empty where some of it is, or where none came."""
    states = [claimed.state for claimed in claim.objects]
    usable = {ObjectState.ACCEPTED, ObjectState.DUPLICATE}
    if ObjectState.QUARANTINED not in states or usable.intersection(states):
        return ""
    return f"{states.count(ObjectState.QUARANTINED)} of {len(states)} objects were refused, and none could be used"


def _empty(gathered: Gathered) -> str:
    if not gathered.left_out:
        return "no data has been accepted yet"
    _, reason = gathered.left_out[-1]
    return f"none of {len(gathered.left_out)} accepted objects fits the contract any more: {reason}"


def _manifest(name: str, selection: Selection, gathered: Gathered, contract: Contract) -> dict[str, Any]:
    return {
        "dataset": name,
        "model": contract.model,
        "rows": sum(one.rows for one in selection.parts),
        "contract_digest": contract.digest,
        "window": contract.to_dict()["window"],
        "cutoff": selection.cutoff,
        "bucket_threshold": split_of(contract).below,
        "holdout": str(split_of(contract)),
        "objects": [asdict(one) for one in selection.parts],
        "left_out": [{"id": one.id, "curated": one.curated, "reason": why} for one, why in gathered.left_out],
    }


def _drift(name: str, profile: Profile, basis: Basis, contract: Contract, objects: Objects) -> dict[str, Any] | None:
    """How the whole dataset differs from the champion's; None where there is no other to compare it with."""
    before = reference(contract.model, basis, objects) if basis.reference != name else None
    if before is None:
        return None
    shifts = {pair.column.name: pair.shift for pair in pairs(profile, before, contract)}
    return {
        "reference": basis.reference,
        "psi": {column: round(shift.excess, 6) for column, shift in shifts.items() if shift},
        "findings": [asdict(finding) for finding in drift(profile, before, contract, REFERENCE)],
    }


def _write(
    selection: Selection, profile: Profile, manifest: dict[str, Any], contract: Contract, objects: Objects
) -> None:
    """The manifest comes last: where it is, the dataset is whole."""
    name = manifest["dataset"]
    _put(objects, contract, name, "profile.json", profile.to_dict())
    _put(objects, contract, name, "files.manifest", _files(selection, contract, objects))
    _put(objects, contract, name, "manifest.json", manifest)


def _files(selection: Selection, contract: Contract, objects: Objects) -> list[Any]:
    """SageMaker's list of files: a common prefix, then names."""
    folder, _, _ = layout.curated(contract.model, "").rpartition("/")
    names = [layout.curated(contract.model, one.curated).rpartition("/")[2] for one in selection.parts]
    return [{"prefix": f"{objects.uri(folder)}/"}, *names]


def _put(objects: Objects, contract: Contract, dataset: str, name: str, content: object) -> None:
    data = json.dumps(content, ensure_ascii=False, indent=1).encode()
    objects.put(layout.dataset(contract.model, dataset, name), data)
