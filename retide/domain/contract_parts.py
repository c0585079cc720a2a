"""The parts of a contract: columns, the metric that decides, and the settings of data, training and serving."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from retide.domain.expression import Kind, Tree, columns
from retide.domain.severity import Severity


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


class Scope(StrEnum):
    """Among which rows something is unique: those of one object, or those of all accepted objects."""

    OBJECT = "object"
    EVERYWHERE = "everywhere"


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
KINDS: Final[Mapping[ColumnType, Kind]] = {
    ColumnType.INTEGER: Kind.INTEGER,
    ColumnType.FLOAT: Kind.FLOAT,
    ColumnType.BOOLEAN: Kind.BOOLEAN,
    ColumnType.CATEGORY: Kind.TEXT,
    ColumnType.STRING: Kind.TEXT,
    ColumnType.TIMESTAMP: Kind.TIMESTAMP,
}
SEGMENT_TYPES: Final = frozenset({ColumnType.INTEGER, ColumnType.BOOLEAN, ColumnType.CATEGORY, ColumnType.STRING})


@dataclass(frozen=True, slots=True)
class Column:
    """One column: `minimum` and `maximum` are inclusive; `values` is the allowed set of a category (empty: any).

    With `open`, a value beyond the set is accepted and told. `pattern` (RE2) is what the whole text must match.
    `max_missing` is the largest share of missing values, None that of the policy. The values of a `pii` column appear
    nowhere. `severity` holds by rule what is not the default.
    """

    name: str
    type: ColumnType
    nullable: bool = False
    minimum: float | None = None
    maximum: float | None = None
    values: tuple[str, ...] = ()
    feature: bool = True
    open: bool = False
    pattern: str | None = None
    unique: Scope | None = None
    max_missing: float | None = None
    pii: bool = False
    severity: Mapping[str, Severity] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Unique:
    """Columns whose values, taken together, no two rows share; a row in which one of them is missing shares nothing."""

    columns: tuple[str, ...]
    scope: Scope = Scope.OBJECT
    severity: Severity | None = None

    @property
    def label(self) -> str:
        """What findings call the column of this rule."""
        return ", ".join(self.columns)


@dataclass(frozen=True, slots=True)
class Check:
    """A rule over the columns of one row; it holds where it is true, and where something in it is missing."""

    name: str
    rule: str
    tree: Tree = field(repr=False)
    severity: Severity | None = None
    advice: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """Those that the rule reads."""
        return columns(self.tree)


@dataclass(frozen=True, slots=True)
class RowCount:
    """How many rows an object has: `minimum` to `maximum`, and `fall` to `rise` times the median of the `last` objects.

    The median is that of the objects accepted last; what is None is not judged.
    """

    minimum: int | None = None
    maximum: int | None = None
    fall: float | None = None
    rise: float | None = None
    last: int = 10
    severity: Severity = Severity.WARN


@dataclass(frozen=True, slots=True)
class Freshness:
    """Hours from the newest event to the arrival, and from the arrival to any event; None is not judged."""

    max_age_hours: float | None = None
    max_future_hours: float | None = None
    severity: Severity = Severity.WARN


@dataclass(frozen=True, slots=True)
class Label:
    """The least share of each class in an object, and how far the target may move from the reference.

    `max_shift` is the largest change of a class's share; for regression, that of the mean in standard deviations of
    the reference.
    """

    min_share: float | None = None
    max_shift: float | None = 0.2
    severity: Severity = Severity.WARN


@dataclass(frozen=True, slots=True)
class Leakage:
    """`limit` is how well a single feature may tell the target (1: in every row); None is not judged."""

    limit: float | None = 0.99
    severity: Severity = Severity.WARN


@dataclass(frozen=True, slots=True)
class Drift:
    """How far an object of at least `min_rows` rows may lie from the champion's training data; None is not judged.

    `psi` is per feature, `new_categories` the share of rows with a category that the reference lacks, `missing` the
    rise of the share of missing values, `multivariate` the AUC with which a classifier tells the two apart.
    """

    psi: float | None = 0.25
    new_categories: float | None = 0.05
    vanished: bool = True
    missing: float | None = 0.1
    min_rows: int = 500
    multivariate: float | None = None
    severity: Severity = Severity.WARN


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

    `reject_rows` is the share of an object's rows that may be taken out for what they break; with 0 none ever is.
    `runs_per_day` (in UTC) also ends what goes round in circles; after `batch_hours` an incomplete batch is reported.
    """

    min_rows: int = 50
    max_missing: float = 0.5
    reject_rows: float = 0.0
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
