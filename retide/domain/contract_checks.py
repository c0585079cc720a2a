"""Whether what a contract says makes sense together: all that no schema of single settings can say."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from retide.domain.contract_columns import look_over_column, look_over_target
from retide.domain.contract_distributed import look_over_distributed
from retide.domain.contract_metric import DIRECTIONS, METRICS, MIDDLE, Evidence, Task
from retide.domain.contract_parts import KINDS, SEGMENT_TYPES, Approval, Check, Column, ColumnType
from retide.domain.contract_sampling import look_over_sampling
from retide.domain.contract_serving import look_over_serving
from retide.domain.contract_tuning import look_over_tuning
from retide.domain.expression import Kind, Literal, Tree
from retide.domain.expression_parser import parse_expression
from retide.domain.expression_tokens import ExpressionError
from retide.domain.names import nearest
from retide.domain.reader import Place, shown
from retide.domain.severity import Severity

if TYPE_CHECKING:
    from retide.domain.contract import Contract

HOLDS: Final = Literal(True, Kind.BOOLEAN)


def check(given: Mapping[str, Any], columns: Sequence[Column], at: Place) -> Check:
    kinds = {column.name: KINDS[column.type] for column in columns}
    return Check(**given, tree=_tree(given["rule"], kinds, at.below("rule")))


def _tree(rule: str, kinds: Mapping[str, Kind], at: Place) -> Tree:
    """What holds for every row where the rule cannot be read: that is a problem of the contract then."""
    if not rule:
        return HOLDS
    try:
        return parse_expression(rule, kinds)
    except ExpressionError as error:
        at.problem(f"at character {error.position + 1}: {error}", offset=error.position)
        return HOLDS


def implied(column: Column, said: object, at: Place) -> Column:
    """A share of missing values means that values may be missing."""
    if column.max_missing is None or column.nullable:
        return column
    if isinstance(said, Mapping) and said.get("nullable") is False:
        at.below("max_missing").problem("allows missing values, and `nullable: false` allows none")
    return replace(column, nullable=True)


def look_over(contract: Contract, at: Place) -> None:
    """Every contradiction becomes a problem of its place."""
    for column in contract.columns:
        look_over_column(column, at.below(f"columns.{column.name}"))
    _names(contract, at)
    _references(contract, at)
    _roles(contract, at)
    look_over_target(contract, at)
    _sensitive(contract, at)
    _learning(contract, at)
    _objects(contract, at)
    _approval(contract, at)
    _format(contract, at)
    _uniques(contract, at)
    _checks(contract, at)
    _severities(contract, at)
    look_over_sampling(contract, at.below("sampling"))
    look_over_serving(contract.serving, at.below("serving"))
    look_over_tuning(contract.tuning, at.below("tuning"))
    look_over_distributed(contract, at)


def _names(contract: Contract, at: Place) -> None:
    """Two names that look alike cannot both be told apart by what reads the data, nor by who reads about it."""
    seen: dict[str, str] = {}
    for column in contract.columns:
        look = unicodedata.normalize("NFKC", column.name).casefold()
        if (other := seen.setdefault(look, column.name)) != column.name:
            at.below(f"columns.{column.name}").problem(
                f"differs from {shown(other)} only in case or in how its letters are encoded; rename one of them"
            )


def _named(contract: Contract) -> Iterator[tuple[str, str]]:
    """Every place at which a column is named, and the name."""
    yield "target", contract.target
    yield from (("id", name) for name in contract.id)
    yield from (("segments", name) for name in contract.segments)
    yield "event_time", contract.event_time or ""
    for place, unique in enumerate(contract.unique):
        yield from ((f"unique.{place}.columns", name) for name in unique.columns)


def _references(contract: Contract, at: Place) -> None:
    known = {column.name: column for column in contract.columns}
    for where, name in _named(contract):
        if name and name not in known:
            near = nearest(name, known)
            hint = f"; did you mean {near!r}?" if near else f" ({', '.join(sorted(known)[:30]) or 'none given'})"
            at.below(where).problem(f"{shown(name)} is not one of the columns{hint}")
    time = known.get(contract.event_time or "")
    if time and time.type is not ColumnType.TIMESTAMP:
        at.below("event_time").problem(f"{time.name!r} must have type timestamp")


def _roles(contract: Contract, at: Place) -> None:
    """Whether the columns named as id or segment can serve as one; whether they exist is checked elsewhere."""
    for column in contract.known(contract.id):
        if column.nullable or column.type is ColumnType.FLOAT or column.name == contract.target:
            at.below("id").problem(f"{column.name!r} must be neither nullable, nor of type float, nor the target")
    for column in contract.known(contract.segments):
        if column.type not in SEGMENT_TYPES:
            wanted = ", ".join(sorted(SEGMENT_TYPES))
            at.below("segments").problem(f"{column.name!r} is {column.type.value}; a segment needs type {wanted}")


def _sensitive(contract: Contract, at: Place) -> None:
    """Reports name the classes of the target, the values of segments and the newest event."""
    roles = {"target": (contract.target,), "segments": contract.segments, "event_time": (contract.event_time or "",)}
    for role, names in roles.items():
        for column in contract.known(names):
            if column.pii:
                at.below(role).problem(f"{column.name!r} is pii, and reports name values of this column")


def _learning(contract: Contract, at: Place) -> None:
    allowed = METRICS[contract.task]
    if contract.metric.name in DIRECTIONS and contract.metric.name not in allowed:  # what is no metric is told already
        name = contract.metric.name
        at.below("metric.name").problem(f"{name!r} is not one of {', '.join(allowed)}, those of {contract.task.value}")
    if contract.metric.margin == 0 and contract.metric.evidence is Evidence.NON_INFERIOR:
        at.below("metric.margin").problem(
            "leaves a challenger nothing to lose, which no holdout can show: say how small a loss does not count, "
            "leave the margin out, or ask for `evidence: superior`"
        )
    if contract.budgets.calibration_error is not None and contract.task is Task.REGRESSION:
        at.below("budgets.calibration_error").problem("is of probabilities, and regression has none")
    _threshold(contract, at.below("metric.threshold"))
    _holdout(contract, at)
    if contract.columns and not contract.features:
        at.below("columns").problem("no column is left for the model to learn from")
    if contract.window.batches and contract.window.days:
        at.below("window.days").problem("give `batches` or `days`, not both")
    if contract.window.days and not contract.event_time:
        at.below("window.days").problem("counts days of event time: name the column in `event_time`")


def _threshold(contract: Contract, at: Place) -> None:
    if contract.metric.threshold == MIDDLE:
        return
    if contract.task is Task.REGRESSION:
        at.problem("is of probabilities, and regression has none")
    for column in contract.known((contract.target,)):
        if len(column.values) > 2:
            at.problem(f"parts two classes, and {column.name!r} has {len(column.values)}")


def _holdout(contract: Contract, at: Place) -> None:
    if contract.holdout_days and not contract.event_time:
        at.below("holdout_days").problem("counts days of event time: name the column in `event_time`")
    for column in contract.known((contract.event_time or "",)):
        if contract.holdout_days and column.nullable:
            at.below("holdout_days").problem(f"splits by {column.name!r}, which may be missing: forbid that")


def _objects(contract: Contract, at: Place) -> None:
    rows, freshness, label = contract.rows, contract.freshness, contract.label
    if rows.minimum is not None and rows.maximum is not None and rows.minimum > rows.maximum:
        at.below("rows.max").problem(f"{rows.maximum} lies below min {rows.minimum}")
    for name in ("max_age_hours", "max_future_hours"):
        if getattr(freshness, name) is not None and not contract.event_time:
            at.below(f"freshness.{name}").problem("is measured from event time: name the column in `event_time`")
    if label.min_share is not None and contract.task is Task.REGRESSION:
        at.below("label.min_share").problem("counts classes, and regression has none; use max_shift")


def _approval(contract: Contract, at: Place) -> None:
    remind, expire = contract.policy.remind_after_hours, contract.policy.expire_after_hours
    if 0 < expire <= remind and contract.policy.approval is Approval.MANUAL:
        at.below("policy.remind_after_hours").problem(f"{remind} comes too late: after {expire} hours it is rejected")


def _format(contract: Contract, at: Place) -> None:
    if contract.format.decimal in contract.format.delimiters:
        at.below("format.decimal").problem(f"{contract.format.decimal!s} separates the fields already")


def _uniques(contract: Contract, at: Place) -> None:
    seen: set[frozenset[str]] = {frozenset((column.name,)) for column in contract.columns if column.unique}
    for place, unique in enumerate(contract.unique):
        if frozenset(unique.columns) in seen:
            at.below(f"unique.{place}.columns").problem("is said twice of these columns; keep one of them")
        seen.add(frozenset(unique.columns))
        for column in contract.known(unique.columns):
            if column.type is ColumnType.FLOAT:
                at.below(f"unique.{place}.columns").problem(f"{column.name!r} is float; unique needs exact values")


def _checks(contract: Contract, at: Place) -> None:
    seen: set[str] = set()
    for place, rule in enumerate(contract.checks):
        if rule.name in seen:
            at.below(f"checks.{place}.name").problem(f"{rule.name!r} is the name of two checks; rename one of them")
        seen.add(rule.name)
        if rule.tree is not HOLDS and not rule.columns:
            at.below(f"checks.{place}.rule").problem("reads no column, so it says nothing about the data")


def _severities(contract: Contract, at: Place) -> None:
    if contract.policy.reject_rows > 0:
        return
    said = [(f"columns.{c.name}.severity", s) for c in contract.columns for s in c.severity.values()]
    said += [(f"unique.{place}.severity", u.severity) for place, u in enumerate(contract.unique) if u.severity]
    said += [(f"checks.{place}.severity", c.severity) for place, c in enumerate(contract.checks) if c.severity]
    for where in dict.fromkeys(path for path, severity in said if severity is Severity.QUARANTINE):
        at.below(where).problem(
            "quarantine takes rows out, and policy.reject_rows is 0: say there how large a share may go"
        )
