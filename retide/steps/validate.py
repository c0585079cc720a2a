"""Validate: judge one claimed object by its contract, and accept it or put it in quarantine with a report."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from retide.domain import judging
from retide.domain.catalogue import Catalogue
from retide.domain.dataset import rules_digest
from retide.domain.judged import Judged, judge_in_context, other_bytes
from retide.domain.layout import RunId
from retide.domain.verdict import Finding, Judge, Verdict
from retide.ledger import Ledger
from retide.ports import ObjectGone, Objects
from retide.steps.judging_context import Surroundings, context_of
from retide.steps.recording import RECEIVED, Case, Copies, Uploads, Validated, record

CRASHES: Final = 3  # times that the judging of one object may break off
CRASH_LIMIT: Final = 1000  # characters of an error that are kept
GONE: Final = "this version was deleted before it was read"


class ValidationCrashed(Exception):
    """Judging an object broke off; tried again, it may come to an end."""


@dataclass(frozen=True, slots=True)
class ValidateRequest:
    """`object` is the id of one of the run's objects; a job has judged it where it is `large`."""

    run: str
    fence: int
    object: str
    large: bool = False


def validate(
    request: ValidateRequest, *, catalogue: Catalogue, objects: Objects, ledger: Ledger, judge: Judge
) -> Validated:
    """The ledger is written last: a call that dies before that is repeated from the start and ends the same.

    Raises ValidationCrashed where the judge broke off; after CRASHES of them, an object goes to quarantine unjudged.
    """
    run = RunId.parse(request.run)
    claimed = ledger.claimed_object(run, request.object)
    if claimed.state.terminal:
        return Validated(claimed.state)
    case = Case(run, request.fence, claimed, catalogue[run.model].contract)
    if request.large:
        return _record_job(case, objects, ledger)
    with TemporaryDirectory(prefix="retide-") as scratch:
        folder = Path(scratch)
        try:
            objects.download(claimed.key, claimed.version, folder / RECEIVED)
        except ObjectGone:
            return Validated(ledger.withdraw(run, request.fence, claimed.id), GONE)
        around = Surroundings(run, request.fence, case.contract, ledger, objects, judge)
        judged = _unjudged(case, folder) or _judged(case, around, folder)
        paths = {name: judged.folder / name for name in (judging.ROWS, judging.REJECTED, judging.KEYS)}
        return record(case, judged.verdict, Uploads({**paths, RECEIVED: folder / RECEIVED}, objects), objects, ledger)


def _record_job(case: Case, objects: Objects, ledger: Ledger) -> Validated:
    """What a job has found of an object that no function could hold: all that it left is copied inside S3."""
    claimed = case.claimed
    if objects.head(claimed.key, claimed.version) is None:
        return Validated(ledger.withdraw(case.run, case.fence, claimed.id), GONE)
    return record(case, _found_by_job(case, objects, ledger), Copies(case, objects), objects, ledger)


def _found_by_job(case: Case, objects: Objects, ledger: Ledger) -> Verdict:
    left = judging.found(case.run, case.claimed.id, judging.VERDICT)
    crashed = _crashed(case)
    if crashed and not objects.exists(left):
        return crashed
    verdict = Verdict.from_dict(json.loads(objects.get(left)))
    ledger.end_judging(case.run, case.fence, case.claimed.id)
    return verdict


def _unjudged(case: Case, folder: Path) -> Judged | None:
    """A refusal of what is not even looked into."""
    verdict = _crashed(case) or other_bytes(folder / RECEIVED, case.claimed.sha256, case.contract)
    return Judged(verdict, folder) if verdict else None


def _judged(case: Case, around: Surroundings, folder: Path) -> Judged:
    """That judging began is written down before: a function that is killed in the middle cannot say so any more."""
    name, ledger = case.claimed.id, around.ledger
    context = context_of(case.claimed, around, folder / "earlier")
    ledger.begin_judging(case.run, case.fence, name, case.claimed.tries + 1)
    try:
        judged = judge_in_context(folder / RECEIVED, case.contract, context, folder, around.judge)
    except Exception as error:
        words = f"{type(error).__name__}: {error}"[:CRASH_LIMIT]
        ledger.note_crash(case.run, case.fence, name, words)
        raise ValidationCrashed(f"{case.claimed.key}: {words}") from error
    ledger.end_judging(case.run, case.fence, name)
    return judged


def _crashed(case: Case) -> Verdict | None:
    """A refusal where judging broke off too often: nobody judges that file any more."""
    if case.claimed.tries < CRASHES:
        return None
    crash = case.claimed.crash or "without a word, as when memory or time is used up"
    seen = f"{case.claimed.tries} attempts that broke off, the last one: {crash}"
    advice = "The file is kept as it came: mend it, or what reads it, and send it again."
    finding = Finding("crash", "", "a file whose validation comes to an end", seen, advice)
    return Verdict(0, rules_digest(case.contract), (finding,))
