"""What a model's data must look like and how the model is judged: the parsed form of `contract.yaml`."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from retide.domain.contract_parts import (
    FEATURE_TYPES,
    METRICS,
    MISSING,
    NUMERIC,
    SEGMENT_TYPES,
    Approval,
    Check,
    Column,
    ColumnType,
    Direction,
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
from retide.domain.contract_reading import (
    read_check,
    read_column,
    read_drift,
    read_freshness,
    read_label,
    read_leakage,
    read_metric,
    read_policy,
    read_rows,
    read_serving,
    read_training,
    read_unique,
    read_window,
)
from retide.domain.reader import ContractError, Reader
from retide.domain.severity import CHECK, OBJECT_RULES, Severity, is_row_rule

# Every name in AWS that is made of it ends with it or goes on with a dash: SageMaker takes no name that ends with one.
MODEL_NAME: Final = re.compile(r"[a-z](?:[a-z0-9-]{0,29}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Contract:
    """The agreement between those who send data, those who own the model and the system that runs both."""

    model: str
    task: Task
    target: str
    columns: tuple[Column, ...]
    metric: Metric
    id: tuple[str, ...] = ()
    event_time: str | None = None
    segments: tuple[str, ...] = ()
    missing: tuple[str, ...] = MISSING
    holdout: float = 0.2
    unique: tuple[Unique, ...] = ()
    checks: tuple[Check, ...] = ()
    rows: RowCount = field(default_factory=RowCount)
    freshness: Freshness = field(default_factory=Freshness)
    label: Label = field(default_factory=Label)
    leakage: Leakage = field(default_factory=Leakage)
    drift: Drift = field(default_factory=Drift)
    window: Window = field(default_factory=Window)
    policy: Policy = field(default_factory=Policy)
    training: Training = field(default_factory=Training)
    serving: Serving = field(default_factory=Serving)
    params: Mapping[str, Any] = field(default_factory=dict)

    def column(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)

    @property
    def features(self) -> tuple[Column, ...]:
        """The columns that a model sees, in the order of the contract."""
        apart = {self.target, self.event_time, *self.id}
        return tuple(c for c in self.columns if c.feature and c.type in FEATURE_TYPES and c.name not in apart)

    @property
    def uniques(self) -> tuple[Unique, ...]:
        """Everything that no two rows share: the id, the columns that say so, and the combinations under `unique`."""
        found = {self.id: Unique(self.id)} if self.id else {}
        alone = (Unique((c.name,), c.unique) for c in self.columns if c.unique)
        for unique in (*alone, *self.unique):
            found[unique.columns] = unique
        return tuple(found.values())

    def max_missing(self, column: str) -> float:
        """The largest share of missing values of a nullable column."""
        own = self.column(column).max_missing
        return self.policy.max_missing if own is None else own

    def severity(self, rule: str, column: str = "") -> Severity:
        """What breaking a rule does; `column` is the finding's: a column's name, or `Unique.label`."""
        own = self._own_severity(rule, column)
        if own is not None:
            return own
        if is_row_rule(rule):
            return Severity.QUARANTINE if self.policy.reject_rows > 0 else Severity.REFUSE
        return OBJECT_RULES[rule]

    def _own_severity(self, rule: str, column: str) -> Severity | None:
        """What the contract itself says of the rule: in its section, its check, its combination or its column."""
        sections = (self.rows, self.freshness, self.label, self.leakage, self.drift)
        said: dict[str, Severity | None] = dict(
            zip(("rows", "freshness", "label", "leakage", "drift"), (part.severity for part in sections), strict=True)
        )
        said |= {f"{CHECK}{check.name}": check.severity for check in self.checks}
        if rule in said:
            return said[rule]
        together = next((u.severity for u in self.unique if rule == "unique" and u.label == column), None)
        named = next((c.severity.get(rule) for c in self.columns if c.name == column), None)
        return together or named

    @property
    def digest(self) -> str:
        """sha256 of the contract's content: the same rules are the same contract, whatever their layout in the file."""
        return hashlib.sha256(json.dumps(self.to_dict(), sort_keys=True).encode()).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """The form that `parse` reads: what is compiled into the bundles of functions and jobs."""
        return {
            "model": self.model,
            "task": self.task.value,
            "target": self.target,
            "id": list(self.id),
            "event_time": self.event_time,
            "segments": list(self.segments),
            "missing": list(self.missing),
            "holdout": self.holdout,
            "columns": {column.name: _column_to_dict(column) for column in self.columns},
            "unique": [_plain(unique) for unique in self.unique],
            "checks": [_plain(check, skip=("tree",)) for check in self.checks],
            "rows": _bounds(_plain(self.rows)),
            "freshness": _plain(self.freshness),
            "label": _switches(self.label),
            "leakage": _switches(self.leakage),
            "drift": _switches(self.drift),
            "metric": _plain(self.metric, skip=("direction",)),
            "window": _plain(self.window),
            "policy": _plain(self.policy),
            "training": _plain(self.training),
            "serving": _plain(self.serving),
            "params": dict(self.params),
        }


def _plain(value: Any, skip: tuple[str, ...] = ()) -> dict[str, Any]:
    fields = {name: getattr(value, name) for name in value.__dataclass_fields__ if name not in skip}
    return {name: _listed(seen) for name, seen in fields.items() if seen is not None}


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _bounds(raw: dict[str, Any]) -> dict[str, Any]:
    """Under the names that a person writes."""
    return {{"minimum": "min", "maximum": "max"}.get(name, name): value for name, value in raw.items()}


def _switches(value: Any) -> dict[str, Any]:
    """With what is switched off: None is not the default here."""
    return {name: getattr(value, name) for name in value.__dataclass_fields__}


def _column_to_dict(column: Column) -> dict[str, Any]:
    raw = {
        "type": column.type.value,
        "nullable": column.nullable,
        "min": column.minimum,
        "max": column.maximum,
        "values": list(column.values) or None,
        "feature": column.feature,
        "grows": column.open or None,
        "pattern": column.pattern,
        "unique": column.unique,
        "max_missing": column.max_missing,
        "pii": column.pii or None,
        "severity": dict(column.severity) or None,
    }
    return {name: value for name, value in raw.items() if value is not None}


def parse(raw: object, model: str) -> Contract:
    """Read a contract for the folder `model`; raises ContractError with every problem found, never only the first."""
    reader = Reader(raw)
    contract = _read(reader, model)
    reader.finish()
    _check(contract, reader)
    reader.raise_problems()
    return contract


def _read(reader: Reader, model: str) -> Contract:
    task = reader.enum("task", Task, Task.CLASSIFICATION, required=True)
    columns = tuple(read_column(name, column) for name, column in reader.sections("columns"))
    return Contract(
        model=_model_name(reader, model),
        task=task,
        target=reader.text("target", required=True),
        columns=columns,
        metric=read_metric(reader.section("metric"), task),
        id=reader.texts("id"),
        event_time=reader.text("event_time") or None,
        segments=reader.texts("segments"),
        missing=reader.texts("missing", MISSING),
        holdout=reader.number("holdout", 0.2, low=0.05, high=0.5),
        unique=tuple(read_unique(unique) for unique in reader.items("unique")),
        checks=tuple(read_check(check, columns) for check in reader.items("checks")),
        rows=read_rows(reader.section("rows")),
        freshness=read_freshness(reader.section("freshness")),
        label=read_label(reader.section("label")),
        leakage=read_leakage(reader.section("leakage")),
        drift=read_drift(reader.section("drift")),
        window=read_window(reader.section("window")),
        policy=read_policy(reader.section("policy")),
        training=read_training(reader.section("training")),
        serving=read_serving(reader.section("serving")),
        params=reader.mapping("params"),
    )


def _model_name(reader: Reader, model: str) -> str:
    named = reader.text("model", model)
    if named != model:
        reader.problem("model", f"says {named!r}, but its folder is {model!r}; rename one of them")
    if not MODEL_NAME.fullmatch(model):
        rule = "1 to 31 lower-case letters, digits and dashes, a letter first and no dash last"
        reader.problem("model", f"{model!r} must be {rule}")
    return model


def _check(contract: Contract, reader: Reader) -> None:
    _check_names(contract, reader)
    _check_references(contract, reader)
    _check_roles(contract, reader)
    _check_target(contract, reader)
    if not contract.features:
        reader.problem("columns", "no column is left for the model to learn from")
    if contract.window.days and not contract.event_time:
        reader.problem("window.days", "counts days of event time: name the column in `event_time`")


def _check_names(contract: Contract, reader: Reader) -> None:
    """Two names that differ only in case cannot both be told apart by what reads the data."""
    seen: dict[str, str] = {}
    for column in contract.columns:
        if (other := seen.setdefault(column.name.lower(), column.name)) != column.name:
            reader.problem(f"columns.{column.name}", f"differs from {other!r} only in case; rename one of them")


def _check_roles(contract: Contract, reader: Reader) -> None:
    """Whether the columns named as id or segment can serve as one; whether they exist is checked elsewhere."""
    columns = {column.name: column for column in contract.columns}
    for column in (columns[name] for name in contract.id if name in columns):
        if column.nullable or column.type is ColumnType.FLOAT or column.name == contract.target:
            reader.problem("id", f"{column.name!r} must be neither nullable, nor of type float, nor the target")
    for column in (columns[name] for name in contract.segments if name in columns):
        if column.type not in SEGMENT_TYPES:
            wanted = ", ".join(sorted(SEGMENT_TYPES))
            reader.problem("segments", f"{column.name!r} is {column.type.value}; a segment needs type {wanted}")


def _check_references(contract: Contract, reader: Reader) -> None:
    known = {column.name for column in contract.columns}
    named = [("target", contract.target), *(("id", name) for name in contract.id)]
    named += [("segments", name) for name in contract.segments]
    named += [("event_time", contract.event_time)] if contract.event_time else []
    for where, name in named:
        if name and name not in known:
            reader.problem(where, f"{name!r} is not one of the columns ({', '.join(sorted(known)) or 'none given'})")
    if contract.event_time in known and contract.column(contract.event_time or "").type is not ColumnType.TIMESTAMP:
        reader.problem("event_time", f"{contract.event_time!r} must have type timestamp")


def _check_target(contract: Contract, reader: Reader) -> None:
    target = next((column for column in contract.columns if column.name == contract.target), None)
    if target is None:
        return
    fits = (
        {ColumnType.CATEGORY, ColumnType.BOOLEAN, ColumnType.INTEGER}
        if contract.task is Task.CLASSIFICATION
        else NUMERIC
    )
    if target.type not in fits:
        wanted = ", ".join(sorted(kind.value for kind in fits))
        reader.problem("target", f"{contract.task.value} needs type {wanted}; {target.name!r} is {target.type.value}")
    if len(target.values) == 1:
        reader.problem("target", f"{target.name!r} allows only {target.values[0]!r}; there is nothing to tell apart")
    if target.nullable:
        reader.problem("target", f"{target.name!r} must not be nullable: a row without a label teaches nothing")


__all__ = [
    "METRICS",
    "MODEL_NAME",
    "NUMERIC",
    "Approval",
    "Check",
    "Column",
    "ColumnType",
    "Contract",
    "ContractError",
    "Direction",
    "Drift",
    "Freshness",
    "Label",
    "Leakage",
    "Metric",
    "Policy",
    "RowCount",
    "Scope",
    "Serving",
    "Task",
    "Training",
    "Unique",
    "Window",
    "parse",
]
