"""Conclude from the target what the task is, which metric decides, and what is no better than knowing nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from retide.domain.contract import NUMERIC, ColumnType, Metric, Task
from retide.domain.contract_metric import DIRECTIONS
from retide.inference.errors import CannotInfer
from retide.inference.evidence import Evidence
from retide.inference.guess import Guess
from retide.inference.wording import counted, number, percent, short, significant

CLASSES: Final = 100
FEW_NUMBERS: Final = 10
OFTEN: Final = 10  # rows of a class, on average
SKEWED: Final = 0.1  # the share of the rarer of two classes
UNEVEN: Final = 0.6  # the share of the most frequent of several


@dataclass(frozen=True, slots=True)
class Goal:
    """What is predicted and how it is judged; `why` has the reason of each by its setting."""

    task: Task
    target: Guess
    metric: Metric
    why: dict[str, str]
    asks: tuple[str, ...] = ()


def goal(target: Guess, wished: Task | None) -> Goal:
    """Raises CannotInfer for a target that is no class and no number."""
    task, why, asks = _task(target.evidence, wished)
    if task is Task.CLASSIFICATION:
        return _classification(target, why, asks)
    return _regression(target, why, asks)


def _task(evidence: Evidence, wished: Task | None) -> tuple[Task, str, tuple[str, ...]]:
    _check(evidence, wished)
    numeric = evidence.kind in NUMERIC
    values = counted(evidence.distinct, "value")
    if wished:
        return wished, "as asked", ()
    if not numeric:
        return Task.CLASSIFICATION, f"the target is one of {values}", ()
    if evidence.whole and _is_class(evidence):
        why = f"the target has only {values}: {_values(evidence)}"
        asks = (f"{evidence.name}: classes, or an amount (--task regression)?",) if evidence.distinct > 2 else ()
        return Task.CLASSIFICATION, why, asks
    several = f"over {values}" if not evidence.values else values
    return Task.REGRESSION, f"the target is a number of {several} from {_ends(evidence)}", ()


def _is_class(evidence: Evidence) -> bool:
    return evidence.distinct <= FEW_NUMBERS and (
        evidence.distinct == 2 or evidence.present >= OFTEN * evidence.distinct
    )


def _values(evidence: Evidence) -> str:
    return ", ".join(number(float(value)) for value, _ in sorted(evidence.values, key=lambda one: float(one[0])))


def _ends(evidence: Evidence) -> str:
    return f"{short(evidence.minimum)} to {short(evidence.maximum)}"


def _check(evidence: Evidence, wished: Task | None) -> None:
    name, numeric = evidence.name, evidence.kind in NUMERIC
    if not evidence.present:
        raise CannotInfer(f"the target {name!r} is empty in every row")
    if evidence.distinct < 2:
        raise CannotInfer(
            f"the target {name!r} is {evidence.values[0][0]!r} in every row: there is nothing to foretell"
        )
    if evidence.kind is ColumnType.TIMESTAMP:
        raise CannotInfer(f"the target {name!r} is a time: a model foretells a class or a number")
    if wished is Task.REGRESSION and not numeric:
        raise CannotInfer(
            f"the target {name!r} holds texts such as {evidence.values[0][0]!r}, no numbers to regress on"
        )
    if wished is Task.CLASSIFICATION and numeric and not evidence.whole:
        raise CannotInfer(f"the target {name!r} holds fractions: classes are texts, whole numbers or yes and no")
    if (wished is Task.CLASSIFICATION or not numeric) and evidence.distinct > CLASSES:
        raise CannotInfer(
            f"the target {name!r} has about {evidence.distinct:,} different values: free text, or an identifier; "
            "a class comes again and again"
        )


def _classification(target: Guess, why: str, asks: tuple[str, ...]) -> Goal:
    evidence = target.evidence
    shares = {value: count / evidence.present for value, count in evidence.values}
    told = ", ".join(f"{value} {percent(share)}" for value, share in list(shares.items())[:5])
    column = replace(target.column, nullable=False, max_missing=None, feature=True, open=False)
    if evidence.kind in NUMERIC:
        low, high = int(evidence.minimum), int(evidence.maximum)
        column = replace(column, type=ColumnType.INTEGER, minimum=low, maximum=high)
    elif evidence.kind is not ColumnType.BOOLEAN:
        column = replace(column, type=ColumnType.CATEGORY, values=tuple(shares))
    metric, reason = _metric(evidence, shares)
    if len(shares) == 2 and metric.name != "accuracy":
        reason += f"; it looks for {_positive(evidence, shares)}"
    made = replace(target, column=column, why=told)
    return Goal(
        Task.CLASSIFICATION, made, metric, {"task": why, "metric": reason, "floor": _floor(metric, shares)}, asks
    )


def _positive(evidence: Evidence, shares: dict[str, float]) -> str:
    """The class that binary metrics look for, the last one: the larger number, true, or the rarer text."""
    if evidence.kind in NUMERIC:
        return max(shares, key=float)
    return "true" if evidence.kind is ColumnType.BOOLEAN else list(shares)[-1]


def _metric(evidence: Evidence, shares: dict[str, float]) -> tuple[Metric, str]:
    most = max(shares.values())
    if len(shares) > 2:
        if most > UNEVEN:
            return _of("roc_auc", 0.6, 0.1), f"{len(shares)} classes, one of them {percent(most)} of the rows"
        return _of("accuracy", significant(most + 0.2 * (1 - most)), 0.1), f"{len(shares)} classes of like size"
    share = shares[_positive(evidence, shares)]
    if share < SKEWED:
        floor = significant(min(0.9, 1.5 * share))
        return _of("pr_auc", floor, 0.1), f"only {percent(share)} are of the class that it looks for"
    return _of("roc_auc", 0.6, 0.1), "two classes, whatever their shares"


def _of(name: str, floor: float, segment_loss: float) -> Metric:
    return Metric(name, DIRECTIONS[name], floor=floor, segment_loss=segment_loss)


def _floor(metric: Metric, shares: dict[str, float]) -> str:
    chance = {"roc_auc": 0.5, "pr_auc": min(shares.values()), "accuracy": max(shares.values())}[metric.name]
    return f"nothing worse is ever served; a constant answer gets {short(significant(chance))}"


def _regression(target: Guess, why: str, asks: tuple[str, ...]) -> Goal:
    spread = target.evidence.deviation
    floor = significant(0.9 * spread)
    name = "rmse"
    metric = Metric(name, DIRECTIONS[name], floor=floor, segment_loss=significant(0.1 * spread))
    column = replace(target.column, nullable=False, max_missing=None, feature=True)
    reasons = {
        "task": why,
        "metric": "in the unit of the target; large errors count most (mae: all alike)",
        "floor": f"nothing worse is ever served; always saying the mean gets {short(significant(spread, 3))}",
    }
    return Goal(Task.REGRESSION, replace(target, column=column), metric, reasons, asks)
