"""The parts of a contract: columns, and the settings of data and training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Final

from retide.domain.contract_distributed import Distributed
from retide.domain.contract_settings import INSTANCE, Severities, Uniqueness
from retide.domain.expression import Kind, Tree, columns
from retide.domain.sections import Named, Section
from retide.domain.settings import Choice, Count, Flag, Number, Text, Texts
from retide.domain.severity import COLUMN_SEVERITIES, Scope, Severity


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


def _severity() -> Choice[Severity]:
    return Choice("what breaking it does; default: quarantine where policy.reject_rows is above 0, else refuse", ROW)


ROW: Final = tuple(Severity)
CHECK_NAME: Final = r"^[A-Za-z][A-Za-z0-9_]{0,62}(?![\s\S])"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: `minimum` and `maximum` are inclusive; `values` is the allowed set of a category (empty: any).

    With `open`, a value beyond the set is accepted and told. `pattern` (RE2) is what the whole text must match.
    `max_missing` is the largest share of missing values, None that of the policy. The values of a `pii` column appear
    nowhere. `severity` holds by rule what is not the default.
    """

    name: str
    type: Annotated[ColumnType, Choice("how it is stored; a string is kept and never a feature", tuple(ColumnType))]
    nullable: Annotated[bool, Flag("whether a value may be missing; with max_missing it may")] = False
    minimum: Annotated[float | None, Number("the least number allowed"), Named("min")] = None
    maximum: Annotated[float | None, Number("the largest number allowed"), Named("max")] = None
    values: Annotated[tuple[str, ...], Texts("the allowed set of a category; without it, any")] = ()
    feature: Annotated[bool, Flag("whether the model may learn from it")] = True
    open: Annotated[bool, Flag("whether the set may grow: a new value is accepted and told"), Named("grows")] = False
    pattern: Annotated[str | None, Text("a regular expression (RE2) that the whole text must match")] = None
    unique: Annotated[Scope | None, Uniqueness("whether no value comes twice: in one object, or everywhere")] = None
    max_missing: Annotated[float | None, Number("the largest share of missing values", 0, 1)] = None
    pii: Annotated[bool, Flag("sensitive: its values appear in no report, profile or log")] = False
    severity: Annotated[
        Mapping[str, Severity], Severities("what breaking its rules does, by rule or for all", COLUMN_SEVERITIES)
    ] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Unique:
    """Columns whose values, taken together, no two rows share; a row in which one of them is missing shares nothing."""

    columns: Annotated[tuple[str, ...], Texts("the columns whose values together come once", least=1)]
    scope: Annotated[Scope, Choice("among the rows of one object, or of all accepted ones", tuple(Scope))] = (
        Scope.OBJECT
    )
    severity: Annotated[Severity | None, _severity()] = None

    @property
    def label(self) -> str:
        """What findings call the column of this rule."""
        return ", ".join(self.columns)


@dataclass(frozen=True, slots=True)
class Check:
    """A rule over the columns of one row; it holds where it is true, and where something in it is missing."""

    name: Annotated[
        str, Text("what to call it", pattern=CHECK_NAME, noun="name of a check", like="delivered_after_order")
    ]
    rule: Annotated[str, Text("what must hold in every row, such as: delivered >= ordered")]
    tree: Tree = field(repr=False)
    severity: Annotated[Severity | None, _severity()] = None
    advice: Annotated[str, Text("what to do about a row that breaks it", least=0)] = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """Those that the rule reads."""
        return columns(self.tree)


@dataclass(frozen=True, slots=True)
class Window:
    """Which accepted data a dataset holds: everything, the last `batches` objects, or the last `days` of event time."""

    batches: Annotated[int | None, Count("the last N objects")] = None
    days: Annotated[int | None, Count("the last N days of event time")] = None


@dataclass(frozen=True, slots=True)
class Policy:
    """When to retrain and who approves; `min_rows` counts the whole dataset, `max_missing` is a share per column.

    `reject_rows` is the share of an object's rows that may be taken out for what they break; with 0 none ever is.
    `runs_per_day` (in UTC) also ends what goes round in circles; after `batch_hours` an incomplete batch is reported.
    Where a person approves, one reminder comes `remind_after_hours` after the model was registered.
    """

    min_rows: Annotated[int, Count("fewer rows than this are not worth a training", 10)] = 50
    max_missing: Annotated[float, Number("the largest share of missing values of a nullable column", 0, 1)] = 0.5
    reject_rows: Annotated[float, Number("the share of rows that may be quarantined alone; 0: none", 0, 1)] = 0.0
    settle_seconds: Annotated[int, Count("wait this long, so that a burst becomes one run", 0, 86_400)] = 0
    runs_per_day: Annotated[int, Count("the most runs of a day (UTC)", 1, 1000)] = 48
    batch_hours: Annotated[int, Count("an incomplete batch is reported after this long", 1, 24 * 365)] = 24
    approval: Annotated[Approval, Choice("who approves a new model", tuple(Approval))] = Approval.AUTOMATIC
    remind_after_hours: Annotated[int, Count("who is to approve is reminded after this long; 0: never", 0, 8_760)] = 24
    expire_after_hours: Annotated[
        int, Count("what nobody approved is rejected after this long; 0: never", 0, 8_760)
    ] = 168


@dataclass(frozen=True, slots=True)
class Training:
    """An `incremental` job reads file by file, `epochs` times, and needs an estimator with `partial_fit`.

    With `distributed`, XGBoost takes the place of the estimator, and the contract's `params` are XGBoost's.
    """

    instance_type: Annotated[
        str, Text("of the training job", pattern=INSTANCE, noun="type of instance", like="ml.m5.large")
    ] = "ml.m5.large"
    volume_gib: Annotated[int, Count("the job's disk, GiB", 1, 16_384)] = 30
    max_runtime_seconds: Annotated[int, Count("a job that runs longer is stopped", 1, 432_000)] = 3600
    seed: Annotated[int, Count("of all randomness", 0, 2**32 - 1)] = 0
    incremental: Annotated[bool, Flag("whether it learns piece by piece, for data that no memory holds")] = False
    epochs: Annotated[int, Count("how often an incremental job goes over the data", 1, 1000)] = 5
    distributed: Annotated[
        Distributed | None, Section("XGBoost on several instances, in place of the estimator", Distributed)
    ] = None
