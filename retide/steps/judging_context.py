"""What one object is judged against, read from the ledger and the bucket: the same however often it is read."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from retide.domain import layout
from retide.domain.context import Basis, Context
from retide.domain.contract import Contract
from retide.domain.dataset import Part, select
from retide.domain.layout import RunId
from retide.domain.ledger import AcceptedObject, ClaimedObject
from retide.domain.profile import Profile
from retide.domain.uniqueness import everywhere, keys_digest
from retide.domain.verdict import Judge
from retide.ledger import Ledger
from retide.ports import ObjectGone, Objects

REFERENCE = "the champion's data"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where the context of a run's objects comes from."""

    run: RunId
    fence: int
    contract: Contract
    ledger: Ledger
    objects: Objects
    judge: Judge


def context_of(claimed: ClaimedObject, around: Surroundings, folder: Path) -> Context:
    """The context of one object; files of keys are downloaded into `folder`."""
    earlier = earlier_objects(around)
    return replace(_context(claimed, around, earlier), earlier_keys=_downloaded(earlier, around, folder))


def terms_of(claimed: ClaimedObject, around: Surroundings) -> tuple[Context, tuple[str, ...]]:
    """The context without files, and where the files of keys lie in the bucket; those that are missing are made."""
    earlier = earlier_objects(around)
    return _context(claimed, around, earlier), tuple(_ensured(found, around) for found in earlier)


def _context(claimed: ClaimedObject, around: Surroundings, earlier: tuple[AcceptedObject, ...]) -> Context:
    basis = basis_of(around)
    return Context(
        reference=reference(around.run.model, basis, around.objects),
        reference_name=REFERENCE,
        recent_rows=basis.recent_rows,
        known=frozenset(found.curated for found in earlier),
        arrived=datetime.fromisoformat(claimed.arrived_at),
    )


def basis_of(around: Surroundings) -> Basis:
    """Fixed by the first object of a run that is judged: later ones, and whoever tries again, find the same."""
    run, ledger = around.run, around.ledger
    if known := ledger.basis(run):
        return known
    champion, accepted = ledger.head(run.model).champion, ledger.accepted(run.model)
    recent = tuple(found.rows for found in reversed(accepted[-around.contract.rows.last :]))
    return ledger.fix_basis(run, around.fence, Basis(champion.dataset if champion else None, recent))


def reference(model: str, basis: Basis, objects: Objects) -> Profile | None:
    """The profile of the champion's data; None without a champion, or where that dataset was deleted."""
    if basis.reference is None:
        return None
    try:
        return Profile.from_dict(json.loads(objects.get(layout.dataset(model, basis.reference, "profile.json"))))
    except ObjectGone:
        return None


def earlier_objects(around: Surroundings) -> tuple[AcceptedObject, ...]:
    """The accepted objects in the contract's window, whose keys must not come again; none where nobody asks for that.

    Objects of a run with such a contract are judged one at a time, so that whoever tries again finds the same.
    """
    if not everywhere(around.contract):
        return ()
    accepted = {found.id: found for found in around.ledger.accepted(around.run.model)}
    chosen = select([part(found) for found in accepted.values()], around.contract.window)
    return tuple(accepted[found.id] for found in chosen.parts)


def part(accepted: AcceptedObject) -> Part:
    return Part(accepted.id, accepted.key, accepted.version, accepted.curated, accepted.rows, accepted.event_to)


def keys_of(object_id: str, contract: Contract) -> str:
    return layout.keys(contract.model, object_id, keys_digest(contract))


def _downloaded(earlier: tuple[AcceptedObject, ...], around: Surroundings, folder: Path) -> tuple[Path, ...]:
    folder.mkdir()
    wanted = [(keys_of(found.id, around.contract), folder / f"{place:06d}") for place, found in enumerate(earlier)]
    missing = around.objects.download_many(wanted)
    for found, (name, path) in zip(earlier, wanted, strict=True):
        if name in missing:
            around.objects.download(_ensured(found, around), None, path)
    return tuple(path for _, path in wanted)


def _ensured(found: AcceptedObject, around: Surroundings) -> str:
    """The keys of an object that was accepted before the contract asked for them are made of its curated rows.

    None of its rows are in any dataset where today's contract refuses it: then it has no keys.
    """
    name = keys_of(found.id, around.contract)
    if not around.objects.exists(name):
        with TemporaryDirectory(prefix="retide-") as scratch:
            rows, keys = Path(scratch) / "rows.parquet", Path(scratch) / "keys.parquet"
            around.objects.download(layout.curated(around.run.model, found.curated), None, rows)
            verdict = around.judge(rows, around.contract, keys=keys, context=Context(earlier=True))
            if not verdict.accepted:
                keys.write_bytes(b"")
            around.objects.upload(keys, name)
    return name
