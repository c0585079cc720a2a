"""Search for hyperparameters by successive halving, in units of work: the same data and seed find the same ones."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import pandas as pd

from retide.domain.contract import Contract
from retide.domain.tuning import Chosen, Round, Space, draw, rounds
from training import fitting
from training.errors import JobError
from training.options import Option


@dataclass(slots=True)
class Trial:
    """A candidate; `scores` has the contract's metric for each round that it was in, None where it is not defined."""

    option: Option
    chosen: Chosen
    scores: list[float | None] = field(default_factory=list)
    failure: str = ""

    def rank(self, sign: float) -> tuple[int, float]:
        """The more the better: who came further first, then who scored better in the last round."""
        last = self.scores[-1] if self.scores and not self.failure else None
        return (0, 0.0) if last is None else (len(self.scores), sign * last)


@dataclass(frozen=True, slots=True)
class Search:
    """What is searched: `build` makes the options of `params` and what `space` has in the place of some of them."""

    contract: Contract
    params: Mapping[str, Any]
    seed: int
    space: Space
    build: Callable[[Mapping[str, Any]], Sequence[Option]]
    clock: Callable[[], float] = time.monotonic

    def run(self, frame: pd.DataFrame, target: fitting.Target) -> tuple[Option, dict[str, Any]]:
        """The winner, the first of equals, and the whole search as it is recorded.

        A candidate that fails is out of the race; raises JobError where all do, or where `tuning.seconds` have passed.
        """
        trials, began = list(self._trials()), self.clock()
        plan = rounds(len(trials), len(frame), self.contract.tuning)
        left = trials
        for step in plan:
            left = self._best(left, step.candidates)
            sample, truth = fitting.thinned(frame, target, step.rows)
            for trial in left:
                self._try(trial, sample, truth)
                self._guard(began, trials)
        _check(trials)
        (winner,) = self._best(trials, 1)
        return winner.option, self._record(trials, winner, plan)

    def _trials(self) -> Iterator[Trial]:
        """Each candidate once: what differs only in parameters that its estimator does not have is the same."""
        seen: set[str] = set()
        for chosen in draw(self.space, self.contract.tuning.candidates, self.seed):
            for trial in self._built(chosen):
                mark = json.dumps([trial.option.name, trial.option.params], sort_keys=True)
                if mark not in seen:
                    seen.add(mark)
                    yield trial

    def _built(self, chosen: Chosen) -> list[Trial]:
        params = {**self.params, **chosen}
        try:
            return [Trial(option, chosen) for option in self.build(params)]
        except JobError as error:
            return [Trial(Option("", params, None), chosen, failure=str(error))]

    def _best(self, trials: Sequence[Trial], count: int) -> list[Trial]:
        """In the order in which they were drawn."""
        ranked = sorted(trials, key=lambda trial: trial.rank(self.contract.metric.sign), reverse=True)
        kept = {id(trial) for trial in ranked[:count]}
        return [trial for trial in trials if id(trial) in kept]

    def _try(self, trial: Trial, sample: pd.DataFrame, truth: fitting.Target) -> None:
        if trial.failure:
            return
        try:
            score = fitting.cross_validated(trial.option.estimator, sample, truth, self.contract)
        except Exception as error:  # noqa: BLE001 - a point of the space that an estimator refuses, in whatever words
            trial.failure = f"{type(error).__name__}: {error}"
            return
        trial.scores.append(score if math.isfinite(score) else None)
        print(f"tried {dict(trial.option.params)} on {len(sample)} rows: {self.contract.metric.name} {score:.6g}")

    def _guard(self, began: float, trials: Sequence[Trial]) -> None:
        limit = self.contract.tuning.seconds
        if limit is not None and self.clock() - began > limit:
            done = sum(len(trial.scores) for trial in trials)
            raise JobError(
                f"The search took longer than tuning.seconds ({limit}) after {done} fits of {len(trials)} candidates: "
                "allow it more, or lower tuning.candidates or tuning.rows. A search cut off by a clock has no winner."
            )

    def _record(self, trials: Sequence[Trial], winner: Trial, plan: Sequence[Round]) -> dict[str, Any]:
        return {
            "metric": self.contract.metric.name,
            "rounds": [asdict(step) for step in plan],
            "folds": fitting.FOLDS,
            "winner": next(number for number, trial in enumerate(trials) if trial is winner),
            "candidates": [
                {
                    "estimator": trial.option.name,
                    "params": dict(trial.option.params),
                    "scores": trial.scores,
                    "failure": trial.failure,
                }
                for trial in trials
            ],
        }


def _check(trials: Sequence[Trial]) -> None:
    """Raises JobError where nobody can be chosen, and where nothing that was drawn can even be fitted."""
    failed = [trial for trial in trials if trial.failure]
    drawn = [trial for trial in trials if trial.chosen]
    if failed and all(trial.failure for trial in drawn or trials):
        first = failed[0]
        raise JobError(f"All that was tried failed; the first, with {dict(first.option.params)}: {first.failure}")
    if all(trial.rank(1.0)[0] == 0 for trial in trials):
        raise JobError(
            f"None of {len(trials)} candidates has a score: the rows are too few, or too alike, to be judged by folds."
        )
