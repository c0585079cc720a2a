"""What a deployed commit meant for the models of one stage: whether a retrain followed, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from retide.domain.layout import RunId
from retide.domain.ledger import Announced, Answer, Comparison, Release, RunRecord
from retide.domain.record import DIED, FAILED, TIMED_OUT, UNFINISHED, WAITING_FOR_QUOTA
from retide.domain.rollout import Verdict, judged_again_key
from retide.ledger import Ledger


class State(StrEnum):
    """How far a model has come with a commit; all but `open` are an end."""

    NOTHING = "nothing"
    OPEN = "open"
    PROMOTED = "promoted"
    DECIDED = "decided"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Effect:
    """One model of one stage; `text` says it in one line, `more` the other reasons; `run` is empty for none."""

    stage: str
    model: str
    state: State
    text: str
    run: str = ""
    more: tuple[str, ...] = ()


def effects(stage: str, models: tuple[str, ...], commit: str, ledger: Ledger) -> Iterator[Effect]:
    """One for each model whose code this commit announced; nothing for a commit that was not deployed there."""
    for model in models:
        found = [announced for announced in ledger.announced(model) if announced.commit == commit]
        if found:
            yield _effect(stage, model, found[-1], ledger)


def _effect(stage: str, model: str, announced: Announced, ledger: Ledger) -> Effect:
    if announced.outcome is Comparison.SAME:
        return Effect(stage, model, State.NOTHING, f"no retrain: {announced.reason}")
    if announced.outcome is Comparison.TRIED:
        return Effect(stage, model, State.NOTHING, f"no retrain: {announced.reason}", announced.run)
    answer = ledger.answer(model, announced.key)
    if answer and not answer.run and not ledger.accepted(model):
        return Effect(stage, model, State.NOTHING, "no retrain: there is no data yet; the first trains this code")
    run = ledger.run(RunId.parse(answer.run)) if answer and answer.run else None
    if run is None or not run.outcome:
        return Effect(stage, model, State.OPEN, _open(answer), answer.run or "" if answer else "")
    return _ended(stage, model, run, ledger)


def _open(answer: Answer | None) -> str:
    if answer is None:
        return "a retrain is asked for and lies in the queue"
    return f"run {answer.run} is under way" if answer.run else "a retrain waits for its run"


def _ended(stage: str, model: str, run: RunRecord, ledger: Ledger) -> Effect:
    """The run that answered, and where it was approved, the rollout that followed."""
    first = f": {run.reasons[0]}" if run.reasons else ""
    if run.outcome == WAITING_FOR_QUOTA:
        return Effect(stage, model, State.OPEN, f"run {run.run} waits for quota; it is tried again", run.run)
    if run.outcome in UNFINISHED | {DIED}:
        ended = run.outcome if run.outcome in {FAILED, TIMED_OUT, DIED} else f"was {run.outcome}"
        return Effect(stage, model, State.FAILED, f"run {run.run} {ended}{first}", run.run, run.reasons[1:])
    if run.outcome != "approved":
        return Effect(stage, model, State.DECIDED, f"run {run.run} was {run.outcome}{first}", run.run, run.reasons[1:])
    release = _release(model, run, ledger)
    if release is None:
        return Effect(stage, model, State.OPEN, f"run {run.run} was approved, its rollout is under way", run.run)
    return _judged_again(stage, model, run, release, ledger) or _released(stage, model, run, release)


def _judged_again(stage: str, model: str, run: RunRecord, release: Release, ledger: Ledger) -> Effect | None:
    """The champion changed between the gate and the rollout: what counts is what became of the second judgement."""
    answer = ledger.answer(model, judged_again_key(release.version)) if release.verdict == Verdict.SUPERSEDED else None
    if answer is None:
        return None
    first = f"run {run.run} met a newer champion when it was to be served, and is judged again: "
    again = ledger.run(RunId.parse(answer.run)) if answer.run else None
    if again is None or not again.outcome:
        return Effect(stage, model, State.OPEN, first + _open(answer), answer.run or run.run)
    second = _ended(stage, model, again, ledger)
    return replace(second, text=first + second.text)


def _released(stage: str, model: str, run: RunRecord, release: Release) -> Effect:
    state = State.PROMOTED if release.verdict == Verdict.PROMOTED else State.DECIDED
    why = "" if state is State.PROMOTED else f": {release.reason}"
    return Effect(
        stage, model, state, f"run {run.run} was {release.verdict} as version {release.version}{why}", run.run
    )


def _release(model: str, run: RunRecord, ledger: Ledger) -> Release | None:
    """How the rollout of the run's package ended last; None while it has not."""
    ended = [one for one in ledger.releases(model) if one.package == run.package and Verdict(one.verdict).final]
    return ended[-1] if ended else None
