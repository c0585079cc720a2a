"""Evaluates the condition of a stage: all of its rules, each of which may take its time."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from retide.local.codepipeline.definition import Condition
from retide.local.codepipeline.executions import (
    ConditionRun,
    Execution,
    Outcome,
    RuleRun,
    StageRun,
    Status,
    failure,
)
from retide.local.codepipeline.rules import AlarmWatch, check_variable
from retide.local.codepipeline.turns import Turns
from retide.local.codepipeline.variables import Unresolved, resolved

Decided = Callable[[bool], None]


class Conditions:
    """`evaluate` and `abandon` are called in a turn of the pipeline; rules report in a turn of their own."""

    def __init__(self, turns: Turns, cloudwatch: Any) -> None:
        self._turns = turns
        self._cloudwatch = cloudwatch

    def evaluate(self, execution: Execution, run: StageRun, kind: str, condition: Condition, decided: Decided) -> None:
        """`decided` hears whether every rule succeeded, in a turn."""
        now = self._turns.clock.now()
        rules = [RuleRun(rule, run.stage.name, now, now) for rule in condition.rules]
        evaluation = ConditionRun(kind, rules, now)
        run.conditions[kind] = evaluation
        execution.rules.extend(rules)
        for rule in rules:
            report = partial(self._report, evaluation, rule, decided)
            try:
                rule.configuration = resolved(rule.rule.configuration, execution.values())
            except Unresolved as problem:
                self._turns.then(partial(report, failure("ConfigurationError", str(problem))))
                continue
            self._turns.then(partial(self._begin, rule, kind, report))

    def abandon(self, run: StageRun) -> None:
        """Nobody waits for the answers any more."""
        for evaluation in run.conditions.values():
            if evaluation.status is Status.IN_PROGRESS:
                evaluation.status = Status.ABANDONED
                for rule in evaluation.rules:
                    self._end(rule, Status.ABANDONED, None)

    def _begin(self, rule: RuleRun, kind: str, report: Callable[[Outcome], None]) -> None:
        if rule.rule.provider == "VariableCheck":
            report(check_variable(rule.configuration))
            return
        AlarmWatch(self._cloudwatch, self._turns, rule, kind, report).look()

    def _report(self, evaluation: ConditionRun, rule: RuleRun, decided: Decided, outcome: Outcome) -> None:
        with self._turns:
            if evaluation.status is not Status.IN_PROGRESS or rule.status is not Status.IN_PROGRESS:
                return
            self._end(rule, Status.SUCCEEDED if outcome.succeeded else Status.FAILED, outcome)
            if any(one.status is Status.IN_PROGRESS for one in evaluation.rules):
                return
            failed = [one for one in evaluation.rules if one.status is Status.FAILED]
            evaluation.status = Status.FAILED if failed else Status.SUCCEEDED
            evaluation.summary = "; ".join(_said(one) for one in failed or evaluation.rules)
            evaluation.updated = self._turns.clock.now()
            decided(not failed)

    def _end(self, rule: RuleRun, status: Status, outcome: Outcome | None) -> None:
        if rule.status is Status.IN_PROGRESS:
            rule.status, rule.outcome, rule.updated = status, outcome, self._turns.clock.now()


def _said(rule: RuleRun) -> str:
    outcome = rule.outcome
    return f"{rule.rule.name}: {(outcome.message or outcome.summary) if outcome else ''}"
