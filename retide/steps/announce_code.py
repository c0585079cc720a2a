"""Announce code: after a deployment, ask for a retrain of each model whose code is not the champion's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from retide.domain.events import retrain_message
from retide.domain.ledger import Announced, Cause, Champion, Comparison, RunRecord
from retide.domain.record import DIED, UNFINISHED
from retide.domain.retrain import DECIDED, Recipe, recipe_of
from retide.ledger import Ledger
from retide.ports import Clock, Queue

SILENT = UNFINISHED | {DIED}  # how a run ends that says nothing about the code


@dataclass(frozen=True, slots=True)
class Code:
    """What CloudFormation was told of one model; `Image` is repository:tag."""

    Model: str
    CodeDigest: str
    ContractDigest: str
    Image: str
    LibsDigest: str
    Commit: str

    @property
    def recipe(self) -> Recipe:
        return Recipe(self.CodeDigest, self.ContractDigest, self.Image, self.LibsDigest)


@dataclass(frozen=True, slots=True)
class Announcement:
    """CloudFormation's request for a custom resource, as far as it matters here."""

    RequestType: str
    RequestId: str
    ResourceProperties: Code


def announce_code(announcement: Announcement, *, ledger: Ledger, queue: Queue, clock: Clock) -> str:
    """Compare with the champion, remember what came of it, and send at most one request, which a retry repeats."""
    code = announcement.ResourceProperties
    if announcement.RequestType == "Delete":
        return "removed"
    found = replace(_find(code, ledger), at=clock.now().isoformat(timespec="milliseconds"))
    if found.key:
        queue.send(retrain_message(code.Model, Cause.CODE, found.reason, found.key, code.Commit))
    ledger.note_announced(code.Model, announcement.RequestId, found)
    return found.outcome.value


def _find(code: Code, ledger: Ledger) -> Announced:
    champion = ledger.head(code.Model).champion
    version = champion.version if champion else 0
    if champion and code.recipe == recipe_of(champion):
        reason = f"version {version}, which serves, was made by the same code, contract, image and packages"
        return Announced(code.Commit, "", Comparison.SAME, reason, version)
    tried = _tried(code.recipe, version, ledger.runs(code.Model))
    if tried:
        reason = f"run {tried.run} tried the same on the same data; it was {tried.outcome}"
        return Announced(code.Commit, "", Comparison.TRIED, reason, version, run=tried.run)
    return Announced(code.Commit, "", Comparison.ASKED, _news(code, champion), version, _key(code, version, ledger))


def _tried(recipe: Recipe, champion: int, runs: Sequence[RunRecord]) -> RunRecord | None:
    """The run that answered for this recipe against this champion, unless newer data might change the answer."""
    newest = next((run.dataset for run in reversed(runs) if run.dataset), None)
    same = [
        run for run in runs if run.dataset == newest and (run.champion or 0) == champion and recipe_of(run) == recipe
    ]
    answered = [run for run in same if run.outcome and run.outcome not in SILENT]
    return next((run for run in answered if run.outcome in DECIDED), answered[-1] if answered else None)


def _news(code: Code, champion: Champion | None) -> str:
    if champion is None:
        return "deployed: there is no champion yet"
    return f"deployed: new against the champion: {', '.join(code.recipe.news(recipe_of(champion)))}"


def _key(code: Code, champion: int, ledger: Ledger) -> str:
    """The same code over the same champion is the same wish, unless a run answered it without deciding about it.

    The champion and the run that came in between make the key, so that a repeated call makes it again.
    """
    first = key = f"code-{code.recipe.mark}-over-{champion or 'none'}"
    while (answer := ledger.answer(code.Model, key)) and answer.state == "done" and answer.run:
        key = f"{first}-after-{answer.run}"
    return key
