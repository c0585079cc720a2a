"""Record what judging one object came to: its rows, its keys, its report, and at the very last the ledger."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from retide.domain import judging, layout
from retide.domain.contract import Contract
from retide.domain.layout import RunId
from retide.domain.ledger import ClaimedObject, ObjectState
from retide.domain.profile import Profile
from retide.domain.uniqueness import everywhere, keys_digest
from retide.domain.verdict import Verdict
from retide.ledger import Ledger
from retide.ports import Objects

RECEIVED = "received"  # the object itself, byte for byte


@dataclass(frozen=True, slots=True)
class Case:
    """One object under judgement: files of the same content go to the same places, so every write can be repeated."""

    run: RunId
    fence: int
    claimed: ClaimedObject
    contract: Contract


@dataclass(frozen=True, slots=True)
class Validated:
    """`outcome` is the object's terminal state; `reason` is empty for one that was accepted now."""

    outcome: ObjectState
    reason: str = ""


class Outputs(Protocol):
    """What judging has left, by name."""

    def bring(self, name: str, key: str) -> None:
        """Put it where it stays."""
        ...


@dataclass(frozen=True, slots=True)
class Uploads:
    """Outputs on the disk of a function."""

    paths: Mapping[str, Path]
    objects: Objects

    def bring(self, name: str, key: str) -> None:
        self.objects.upload(self.paths[name], key)


@dataclass(frozen=True, slots=True)
class Copies:
    """Outputs that a job has left in the bucket; the object itself is copied in the very version that was claimed."""

    case: Case
    objects: Objects

    def bring(self, name: str, key: str) -> None:
        claimed = self.case.claimed
        if name == RECEIVED:
            self.objects.copy(claimed.key, claimed.version, key)
        else:
            self.objects.copy(judging.found(self.case.run, claimed.id, name), None, key)


def record(case: Case, verdict: Verdict, outputs: Outputs, objects: Objects, ledger: Ledger) -> Validated:
    if verdict.accepted:
        return _accept(case, verdict, outputs, objects, ledger)
    return _quarantine(case, verdict, outputs, objects, ledger)


def _accept(case: Case, verdict: Verdict, outputs: Outputs, objects: Objects, ledger: Ledger) -> Validated:
    model, name, sha256 = case.run.model, case.claimed.id, verdict.curated or ""
    if not objects.exists(layout.curated(model, sha256)):
        outputs.bring(judging.ROWS, layout.curated(model, sha256))
    if everywhere(case.contract):
        outputs.bring(judging.KEYS, layout.keys(model, name, keys_digest(case.contract)))
    report = _report(case.claimed, verdict)
    if verdict.rejected:
        outputs.bring(judging.REJECTED, layout.quarantined_rows(model, name))
        objects.put(layout.quarantine_report(model, name), report)
    objects.put(layout.verdict(model, name), report)
    state = ledger.accept(
        case.run,
        case.fence,
        name,
        curated=sha256,
        rows=verdict.rows,
        verdict=layout.verdict(model, name),
        events=_events(verdict.profile, case.contract),
        rejected=verdict.rejected,
    )
    return Validated(state, "the same rows were accepted before" if state is ObjectState.DUPLICATE else "")


def _quarantine(case: Case, verdict: Verdict, outputs: Outputs, objects: Objects, ledger: Ledger) -> Validated:
    model, name, report = case.run.model, case.claimed.id, _report(case.claimed, verdict)
    outputs.bring(RECEIVED, layout.quarantined(model, name))
    objects.put(layout.quarantine_report(model, name), report)
    objects.put(layout.verdict(model, name), report)
    state = ledger.quarantine(case.run, case.fence, name, verdict=layout.verdict(model, name))
    return Validated(state, verdict.reason)


def _report(claimed: ClaimedObject, verdict: Verdict) -> bytes:
    seen = {name: getattr(claimed, name) for name in ("key", "version", "id", "size", "etag")}
    return json.dumps({"object": seen, **verdict.to_dict()}, ensure_ascii=False, indent=1).encode()


def _events(profile: Profile | None, contract: Contract) -> tuple[str | None, str | None]:
    """The first and last event time as ISO 8601, where the contract names a column for it."""
    times = profile.columns[contract.event_time].numbers if profile and contract.event_time else None
    return (_iso(times.minimum), _iso(times.maximum)) if times else (None, None)


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()
