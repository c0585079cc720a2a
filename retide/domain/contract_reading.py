"""Reads the parts of a contract: each from its own section, every problem noted at its place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from retide.domain.contract_parts import (
    KINDS,
    METRICS,
    NUMERIC,
    Approval,
    Check,
    Column,
    ColumnType,
    Drift,
    Freshness,
    Label,
    Leakage,
    Metric,
    Policy,
    RowCount,
    Scope,
    Serving,
    Task,
    Training,
    Unique,
    Window,
)
from retide.domain.expression import Kind, Literal, Tree
from retide.domain.expression_parser import parse_expression
from retide.domain.expression_tokens import ExpressionError
from retide.domain.reader import Reader
from retide.domain.severity import COLUMN_RULES, Severity, is_row_rule

HOLDS: Final = Literal(True, Kind.BOOLEAN)


def read_column(name: str, reader: Reader) -> Column:
    max_missing = reader.optional_number("max_missing", low=0.0, high=1.0)
    column = Column(
        name=name,
        type=reader.enum("type", ColumnType, ColumnType.STRING, required=True),
        nullable=reader.flag("nullable", max_missing is not None),
        minimum=reader.optional_number("min"),
        maximum=reader.optional_number("max"),
        values=reader.texts("values"),
        feature=reader.flag("feature", True),
        open=reader.flag("grows", False),
        pattern=reader.text("pattern") or None,
        unique=_unique(reader),
        max_missing=max_missing,
        pii=reader.flag("pii", False),
        severity=_severities(reader),
    )
    _check_column(column, reader)
    reader.finish()
    return column


def _unique(reader: Reader) -> Scope | None:
    given = reader.given("unique")
    if given is None or isinstance(given, bool):
        return Scope.OBJECT if given else None
    return reader.enum("unique", Scope, Scope.OBJECT)


def _severities(reader: Reader) -> dict[str, Severity]:
    """By rule; a single word is said of every rule of a column that it can be said of."""
    given = reader.given("severity")
    if given is None:
        return {}
    if isinstance(given, str):
        word = reader.enum("severity", Severity, Severity.REFUSE)
        return {rule: word for rule in COLUMN_RULES if _can_be(rule, word)}
    section = reader.section("severity")
    found = {rule: section.enum(rule, Severity, Severity.REFUSE) for rule in COLUMN_RULES if section.given(rule)}
    section.finish()
    return found


def _can_be(rule: str, severity: Severity) -> bool:
    """What is missing or of another type cannot be kept as it is, and only a rule of rows knows which to take out."""
    return {
        Severity.REFUSE: True,
        Severity.QUARANTINE: is_row_rule(rule),
        Severity.WARN: rule not in {"type", "required"},
    }[severity]


def _optional_severity(reader: Reader) -> Severity | None:
    return None if reader.given("severity") is None else reader.enum("severity", Severity, Severity.REFUSE)


def _object_severity(reader: Reader, default: Severity = Severity.WARN) -> Severity:
    found = reader.enum("severity", Severity, default)
    if found is Severity.QUARANTINE:
        reader.problem("severity", "a rule about a whole object knows no rows to take out: say refuse or warn")
        return default
    return found


def read_unique(reader: Reader) -> Unique:
    unique = Unique(
        columns=reader.texts("columns"),
        scope=reader.enum("scope", Scope, Scope.OBJECT),
        severity=_optional_severity(reader),
    )
    reader.finish()
    return unique


def read_check(reader: Reader, columns: tuple[Column, ...]) -> Check:
    rule = reader.text("rule", required=True)
    check = Check(
        name=reader.text("name", required=True),
        rule=rule,
        tree=_tree(rule, {column.name: KINDS[column.type] for column in columns}, reader),
        severity=_optional_severity(reader),
        advice=reader.text("advice"),
    )
    reader.finish()
    return check


def _tree(rule: str, kinds: Mapping[str, Kind], reader: Reader) -> Tree:
    """What holds for every row where the rule cannot be read: that is a problem of the contract then."""
    try:
        return parse_expression(rule, kinds) if rule else HOLDS
    except ExpressionError as error:
        reader.problem("rule", f"at character {error.position + 1}: {error}", offset=error.position)
        return HOLDS


def read_rows(reader: Reader) -> RowCount:
    rows = RowCount(
        minimum=reader.optional_count("min"),
        maximum=reader.optional_count("max"),
        fall=reader.optional_number("fall", low=0.0, high=1.0),
        rise=reader.optional_number("rise", low=1.0),
        last=reader.count("last", 10, high=100),
        severity=_object_severity(reader),
    )
    reader.finish()
    return rows


def read_freshness(reader: Reader) -> Freshness:
    freshness = Freshness(
        max_age_hours=reader.optional_number("max_age_hours", low=0.0),
        max_future_hours=reader.optional_number("max_future_hours", low=0.0),
        severity=_object_severity(reader),
    )
    reader.finish()
    return freshness


def read_label(reader: Reader) -> Label:
    label = Label(
        min_share=reader.optional_number("min_share", low=0.0, high=0.5),
        max_shift=reader.optional_number("max_shift", 0.2, low=0.0),
        severity=_object_severity(reader),
    )
    reader.finish()
    return label


def read_leakage(reader: Reader) -> Leakage:
    leakage = Leakage(
        limit=reader.optional_number("limit", 0.99, low=0.5, high=1.0),
        severity=_object_severity(reader),
    )
    reader.finish()
    return leakage


def read_drift(reader: Reader) -> Drift:
    drift = Drift(
        psi=reader.optional_number("psi", 0.25, low=0.0),
        new_categories=reader.optional_number("new_categories", 0.05, low=0.0, high=1.0),
        vanished=reader.flag("vanished", True),
        missing=reader.optional_number("missing", 0.1, low=0.0, high=1.0),
        min_rows=reader.count("min_rows", 500),
        multivariate=reader.optional_number("multivariate", low=0.5, high=1.0),
        severity=_object_severity(reader),
    )
    reader.finish()
    return drift


def _check_column(column: Column, reader: Reader) -> None:
    if not column.name.strip() or column.name != column.name.strip() or column.name.startswith("__"):
        reader.problem("", f"{column.name!r} cannot name a column: no blanks around it, and not two underscores first")
    bounded = column.minimum is not None or column.maximum is not None
    if bounded and column.type not in NUMERIC:
        reader.problem("min", f"a range needs type integer or float, not {column.type.value}")
    if column.minimum is not None and column.maximum is not None and column.minimum > column.maximum:
        reader.problem("max", f"{column.maximum:g} lies below min {column.minimum:g}")
    if column.values and column.type is not ColumnType.CATEGORY:
        reader.problem("values", f"an allowed set needs type category, not {column.type.value}")


def read_metric(reader: Reader, task: Task) -> Metric:
    name = reader.choice("name", tuple(METRICS[task]))
    metric = Metric(
        name=name,
        direction=METRICS[task][name],
        floor=reader.optional_number("floor"),
        margin=reader.number("margin", 0.0, low=0.0),
        confidence=reader.number("confidence", 0.95, low=0.5, high=0.999),
        segment_loss=reader.number("segment_loss", 0.05, low=0.0),
    )
    reader.finish()
    return metric


def read_window(reader: Reader) -> Window:
    window = Window(batches=reader.optional_count("batches"), days=reader.optional_count("days"))
    if window.batches and window.days:
        reader.problem("days", "give `batches` or `days`, not both")
    reader.finish()
    return window


def read_policy(reader: Reader) -> Policy:
    policy = Policy(
        min_rows=reader.count("min_rows", 50, low=10),
        max_missing=reader.number("max_missing", 0.5, low=0.0, high=1.0),
        reject_rows=reader.number("reject_rows", 0.0, low=0.0, high=1.0),
        settle_seconds=reader.count("settle_seconds", 0, low=0, high=86_400),
        runs_per_day=reader.count("runs_per_day", 48, low=1, high=1000),
        batch_hours=reader.count("batch_hours", 24, low=1, high=24 * 365),
        approval=reader.enum("approval", Approval, Approval.AUTOMATIC),
    )
    reader.finish()
    return policy


def _instance_type(reader: Reader) -> str:
    """Only its shape: which types there are is SageMaker's to know, and differs from region to region."""
    found = reader.text("instance_type", "ml.m5.large")
    if not re.fullmatch(r"ml\.[a-z0-9-]+\.[a-z0-9]+", found):
        reader.problem("instance_type", f"{found!r} is no type of instance; one looks like ml.m5.large")
    return found


def read_training(reader: Reader) -> Training:
    training = Training(
        instance_type=_instance_type(reader),
        volume_gib=reader.count("volume_gib", 30, low=1, high=16_384),
        max_runtime_seconds=reader.count("max_runtime_seconds", 3600, low=1, high=432_000),
        seed=reader.count("seed", 0, low=0, high=2**32 - 1),
    )
    reader.finish()
    return training


def read_serving(reader: Reader) -> Serving:
    serving = Serving(
        memory_mib=int(reader.choice("memory_mib", ("1024", "2048", "3072", "4096", "5120", "6144"), "2048")),
        max_concurrency=reader.count("max_concurrency", 5, low=1, high=200),
        latency_ms=reader.optional_count("latency_ms"),
    )
    reader.finish()
    return serving
