"""The parts of a contract: columns, the metric that decides, and the settings of data, training and serving."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


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
    """When to retrain and who approves; `min_rows` counts the whole dataset, `max_missing` is a share per column.

    `runs_per_day` (in UTC) also ends what goes round in circles; after `batch_hours` an incomplete batch is reported.
    """

    min_rows: int = 50
    max_missing: float = 0.5
    settle_seconds: int = 0
    runs_per_day: int = 48
    batch_hours: int = 24
    approval: Approval = Approval.AUTOMATIC


@dataclass(frozen=True, slots=True)
class Training:
    instance_type: str = "ml.m5.large"
    volume_gib: int = 30
    max_runtime_seconds: int = 3600
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Serving:
    """`latency_ms` is what 95 of 100 requests may take at most when a load is put on the endpoint; None: no limit."""

    memory_mib: int = 2048
    max_concurrency: int = 5
    latency_ms: int | None = None
