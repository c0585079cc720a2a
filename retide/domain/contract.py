"""What a model's data must look like and how the model is judged: the parsed form of `contract.yaml`."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from retide.domain.reader import ContractError, Reader

# Every name in AWS that is made of it ends with it or goes on with a dash: SageMaker takes no name that ends with one.
MODEL_NAME: Final = re.compile(r"[a-z](?:[a-z0-9-]{0,29}[a-z0-9])?")


class Task(StrEnum):
    CLASSIFICATION = "classification"
    REGRESSION = "regression"


class ColumnType(StrEnum):
    """How a column is stored and whether a model can use it; `string` is kept but is never a feature."""

    INTEGER = "integer"
    FLOAT = "float"
    BOOLEAN = "boolean"
    CATEGORY = "category"
    STRING = "string"
    TIMESTAMP = "timestamp"


class Approval(StrEnum):
    AUTOMATIC = "automatic"
    MANUAL = "manual"


class Direction(StrEnum):
    MAXIMIZE = "maximize"
    MINIMIZE = "minimize"


METRICS: Final[Mapping[Task, Mapping[str, Direction]]] = {
    Task.CLASSIFICATION: {
        "roc_auc": Direction.MAXIMIZE,
        "pr_auc": Direction.MAXIMIZE,
        "accuracy": Direction.MAXIMIZE,
        "f1": Direction.MAXIMIZE,
        "log_loss": Direction.MINIMIZE,
        "brier": Direction.MINIMIZE,
    },
    Task.REGRESSION: {"rmse": Direction.MINIMIZE, "mae": Direction.MINIMIZE, "r2": Direction.MAXIMIZE},
}

NUMERIC: Final = frozenset({ColumnType.INTEGER, ColumnType.FLOAT})
MISSING: Final = ("", "NA", "NaN", "null", "?")
FEATURE_TYPES: Final = NUMERIC | {ColumnType.BOOLEAN, ColumnType.CATEGORY}
SEGMENT_TYPES: Final = frozenset({ColumnType.INTEGER, ColumnType.BOOLEAN, ColumnType.CATEGORY, ColumnType.STRING})


@dataclass(frozen=True, slots=True)
class Column:
    """One column: `minimum` and `maximum` are inclusive; `values` is the allowed set of a category (empty: any)."""

    name: str
    type: ColumnType
    nullable: bool = False
    minimum: float | None = None
    maximum: float | None = None
    values: tuple[str, ...] = ()
    feature: bool = True


@dataclass(frozen=True, slots=True)
class Metric:
    """The number that decides: `floor` is the worst score accepted, `margin` what a challenger must gain.

    `segment_loss` is the largest fall allowed on any segment; all three are in the metric's own unit.
    """

    name: str
    direction: Direction
    floor: float | None = None
    margin: float = 0.0
    confidence: float = 0.95
    segment_loss: float = 0.05

    @property
    def sign(self) -> float:
        """+1 where more is better, -1 where less is: `sign * (challenger - champion)` is always a gain."""
        return 1.0 if self.direction is Direction.MAXIMIZE else -1.0


@dataclass(frozen=True, slots=True)
class Window:
    """Which accepted data a dataset holds: everything, the last `batches` objects, or the last `days` of event time."""

    batches: int | None = None
    days: int | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """When to retrain and who approves; `min_rows` counts the whole dataset, `max_missing` is a share per column."""

    min_rows: int = 50
    max_missing: float = 0.5
    settle_seconds: int = 0
    approval: Approval = Approval.AUTOMATIC


@dataclass(frozen=True, slots=True)
class Training:
    instance_type: str = "ml.m5.large"
    volume_gib: int = 30
    max_runtime_seconds: int = 3600
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Serving:
    memory_mib: int = 2048
    max_concurrency: int = 5


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
    window: Window = Window()
    policy: Policy = Policy()
    training: Training = Training()
    serving: Serving = Serving()
    params: Mapping[str, Any] = field(default_factory=dict)

    def column(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)

    @property
    def features(self) -> tuple[Column, ...]:
        """The columns that a model sees, in the order of the contract."""
        apart = {self.target, self.event_time, *self.id}
        return tuple(c for c in self.columns if c.feature and c.type in FEATURE_TYPES and c.name not in apart)

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
            "metric": _plain(self.metric, skip=("direction",)),
            "window": _plain(self.window),
            "policy": _plain(self.policy),
            "training": _plain(self.training),
            "serving": _plain(self.serving),
            "params": dict(self.params),
        }


def _plain(value: Any, skip: tuple[str, ...] = ()) -> dict[str, Any]:
    fields = {name: getattr(value, name) for name in value.__dataclass_fields__ if name not in skip}
    return {name: seen for name, seen in fields.items() if seen is not None}


def _column_to_dict(column: Column) -> dict[str, Any]:
    raw = {
        "type": column.type.value,
        "nullable": column.nullable,
        "min": column.minimum,
        "max": column.maximum,
        "values": list(column.values) or None,
        "feature": column.feature,
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
    return Contract(
        model=_model_name(reader, model),
        task=task,
        target=reader.text("target", required=True),
        columns=tuple(_read_column(name, column) for name, column in reader.sections("columns")),
        metric=_read_metric(reader.section("metric"), task),
        id=reader.texts("id"),
        event_time=reader.text("event_time") or None,
        segments=reader.texts("segments"),
        missing=reader.texts("missing", MISSING),
        holdout=reader.number("holdout", 0.2, low=0.05, high=0.5),
        window=_read_window(reader.section("window")),
        policy=_read_policy(reader.section("policy")),
        training=_read_training(reader.section("training")),
        serving=_read_serving(reader.section("serving")),
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


def _read_column(name: str, reader: Reader) -> Column:
    column = Column(
        name=name,
        type=reader.enum("type", ColumnType, ColumnType.STRING, required=True),
        nullable=reader.flag("nullable", False),
        minimum=reader.optional_number("min"),
        maximum=reader.optional_number("max"),
        values=reader.texts("values"),
        feature=reader.flag("feature", True),
    )
    _check_column(column, reader)
    reader.finish()
    return column


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


def _read_metric(reader: Reader, task: Task) -> Metric:
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


def _read_window(reader: Reader) -> Window:
    window = Window(batches=reader.optional_count("batches"), days=reader.optional_count("days"))
    if window.batches and window.days:
        reader.problem("days", "give `batches` or `days`, not both")
    reader.finish()
    return window


def _read_policy(reader: Reader) -> Policy:
    policy = Policy(
        min_rows=reader.count("min_rows", 50, low=10),
        max_missing=reader.number("max_missing", 0.5, low=0.0, high=1.0),
        settle_seconds=reader.count("settle_seconds", 0, low=0, high=86_400),
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


def _read_training(reader: Reader) -> Training:
    training = Training(
        instance_type=_instance_type(reader),
        volume_gib=reader.count("volume_gib", 30, low=1, high=16_384),
        max_runtime_seconds=reader.count("max_runtime_seconds", 3600, low=1, high=432_000),
        seed=reader.count("seed", 0, low=0, high=2**32 - 1),
    )
    reader.finish()
    return training


def _read_serving(reader: Reader) -> Serving:
    serving = Serving(
        memory_mib=int(reader.choice("memory_mib", ("1024", "2048", "3072", "4096", "5120", "6144"), "2048")),
        max_concurrency=reader.count("max_concurrency", 5, low=1, high=200),
    )
    reader.finish()
    return serving


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
    "Approval",
    "Column",
    "ColumnType",
    "Contract",
    "ContractError",
    "Direction",
    "Metric",
    "Policy",
    "Serving",
    "Task",
    "Training",
    "Window",
    "parse",
]
