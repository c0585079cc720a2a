"""Validate: judge one claimed object by its contract, and accept it or put it in quarantine with a report."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from retide.domain import layout
from retide.domain.catalogue import Catalogue
from retide.domain.contract import Contract
from retide.domain.dataset import rules_digest
from retide.domain.layout import RunId
from retide.domain.ledger import ClaimedObject, ObjectState
from retide.domain.profile import Profile
from retide.domain.verdict import Finding, Judge, Verdict
from retide.ledger import Ledger
from retide.ports import ObjectGone, Objects

CRASHES: Final = 3  # times that the judging of one object may break off
CRASH_LIMIT: Final = 1000  # characters of an error that are kept
GONE: Final = "this version was deleted before it was read"


class ValidationCrashed(Exception):
    """Judging an object broke off; tried again, it may come to an end."""


@dataclass(frozen=True, slots=True)
class ValidateRequest:
    """`index` is the object's place in the run's claim."""

    run: str
    fence: int
    index: int


@dataclass(frozen=True, slots=True)
class Validated:
    """`outcome` is the object's terminal state; `reason` is empty for one that was accepted now."""

    outcome: ObjectState
    reason: str = ""


@dataclass(frozen=True, slots=True)
class _Case:
    """One object under judgement: files of the same content go to the same places, so every write can be repeated."""

    run: RunId
    fence: int
    claimed: ClaimedObject
    contract: Contract


def validate(
    request: ValidateRequest, *, catalogue: Catalogue, objects: Objects, ledger: Ledger, judge: Judge
) -> Validated:
    """The ledger is written last: a call that dies before that is repeated from the start and ends the same.

    Raises ValidationCrashed where the judge broke off; after CRASHES of them, an object goes to quarantine unjudged.
    """
    run = RunId.parse(request.run)
    claimed = ledger.claimed_object(run, request.index)
    if claimed.state.terminal:
        return Validated(claimed.state)
    case = _Case(run, request.fence, claimed, catalogue[run.model].contract)
    with TemporaryDirectory(prefix="retide-") as folder:
        received, rows = Path(folder) / "received", Path(folder) / "rows.parquet"
        try:
            objects.download(claimed.key, claimed.version, received)
        except ObjectGone:
            return Validated(ledger.withdraw(run, request.fence, claimed.id), GONE)
        verdict = _crashed(case) or _other_bytes(case, received) or _judged(case, judge, received, rows, ledger)
        if verdict.accepted:
            return _accept(case, verdict, rows, objects, ledger)
        return _quarantine(case, verdict, received, objects, ledger)


def _judged(case: _Case, judge: Judge, received: Path, rows: Path, ledger: Ledger) -> Verdict:
    """That judging began is written down before: a function that is killed in the middle cannot say so any more."""
    name = case.claimed.id
    ledger.begin_judging(case.run, case.fence, name, case.claimed.tries + 1)
    try:
        verdict = judge(received, case.contract, keep=rows)
    except Exception as error:
        words = f"{type(error).__name__}: {error}"[:CRASH_LIMIT]
        ledger.note_crash(case.run, case.fence, name, words)
        raise ValidationCrashed(f"{case.claimed.key}: {words}") from error
    ledger.end_judging(case.run, case.fence, name)
    return verdict


def _other_bytes(case: _Case, received: Path) -> Verdict | None:
    """A refusal where the file is not the one that its batch's manifest lists."""
    wanted = case.claimed.sha256
    with received.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest() if wanted else None
    if found == wanted:
        return None
    advice = "The file was changed or cut on its way: send it again, or a manifest that lists what was meant."
    finding = Finding("manifest", "", f"the sha256 {wanted} of its batch's manifest", str(found), advice)
    return Verdict(0, rules_digest(case.contract), (finding,))


def _crashed(case: _Case) -> Verdict | None:
    """A refusal where judging broke off too often: nobody judges that file any more."""
    if case.claimed.tries < CRASHES:
        return None
    crash = case.claimed.crash or "without a word, as when memory or time is used up"
    seen = f"{case.claimed.tries} attempts that broke off, the last one: {crash}"
    advice = "The file is kept as it came: mend it, or what reads it, and send it again."
    finding = Finding("crash", "", "a file whose validation comes to an end", seen, advice)
    return Verdict(0, rules_digest(case.contract), (finding,))


def _accept(case: _Case, verdict: Verdict, rows: Path, objects: Objects, ledger: Ledger) -> Validated:
    model, sha256 = case.run.model, verdict.curated or ""
    if not objects.exists(layout.curated(model, sha256)):
        objects.upload(rows, layout.curated(model, sha256))
    kept = layout.verdict(model, case.claimed.id)
    objects.put(kept, _report(case.claimed, verdict))
    state = ledger.accept(
        case.run,
        case.fence,
        case.claimed.id,
        curated=sha256,
        rows=verdict.rows,
        verdict=kept,
        events=_events(verdict.profile, case.contract),
    )
    return Validated(state, "the same rows were accepted before" if state is ObjectState.DUPLICATE else "")


def _quarantine(case: _Case, verdict: Verdict, received: Path, objects: Objects, ledger: Ledger) -> Validated:
    model, name, report = case.run.model, case.claimed.id, _report(case.claimed, verdict)
    objects.upload(received, layout.quarantined(model, name))
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
