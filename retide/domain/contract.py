"""What a model's data must look like and how the model is judged: the parsed form of `contract.yaml`."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

from retide.domain import contract_checks
from retide.domain.contract_metric import DIRECTIONS, METRICS, Budgets, Cut, Direction, Evidence, Metric, Task
from retide.domain.contract_parts import (
    FEATURE_TYPES,
    MISSING,
    NUMERIC,
    Approval,
    Check,
    Column,
    ColumnType,
    Policy,
    Training,
    Unique,
    Window,
)
from retide.domain.contract_rules import Drift, Freshness, Label, Leakage, RowCount
from retide.domain.contract_sampling import Sampling
from retide.domain.contract_serving import Profile, Serving, Traffic
from retide.domain.contract_settings import Params
from retide.domain.contract_tuning import Tuning
from retide.domain.formats import Format
from retide.domain.reader import ContractError, Place, shown
from retide.domain.sections import Items, Section, Sections, read_values, write_values
from retide.domain.settings import Choice, Count, Number, Text, Texts
from retide.domain.severity import CHECK, OBJECT_RULES, Scope, Severity, is_row_rule

PERIOD: Final = 5  # days: each day of the week takes its turn
# Every name in AWS that is made of it ends with it or goes on with a dash: SageMaker takes no name that ends with one.
RULE_SECTIONS: Final = ("rows", "freshness", "label", "leakage", "drift")
MODEL_NAME: Final = re.compile(r"[a-z](?:[a-z0-9-]{0,29}[a-z0-9])?")


COLUMN_NAME: Final = r"^(?!__)\S([\s\S]*\S)?(?![\s\S])"
COLUMN_RULE: Final = "no blanks around it, and not two underscores first"


def _metric(**values: Any) -> Metric:
    return Metric(**values, direction=DIRECTIONS.get(values["name"], Direction.MAXIMIZE))


@dataclass(frozen=True, slots=True)
class Contract:
    """The agreement between those who send data, those who own the model and the system that runs both."""

    model: Annotated[str, Text("the name of the folder")]
    task: Annotated[Task, Choice("what is predicted: a class or a number", tuple(Task))]
    target: Annotated[str, Text("the column to predict")]
    columns: Annotated[tuple[Column, ...], Sections("the columns of every file", Column, COLUMN_NAME, COLUMN_RULE)]
    metric: Annotated[Metric, Section("the number that decides", Metric, _metric)]
    id: Annotated[tuple[str, ...], Texts("the columns that say which rows are the same thing: the newest counts")] = ()
    event_time: Annotated[str | None, Text("the column, a timestamp, that says when a row happened")] = None
    segments: Annotated[tuple[str, ...], Texts("columns on each value of which the metric is judged as well")] = ()
    missing: Annotated[tuple[str, ...], Texts("texts that mean: no value")] = MISSING
    holdout: Annotated[float, Number("the share of rows that no training ever sees", 0.05, 0.5)] = 0.2
    holdout_days: Annotated[
        int | None,
        Count(
            "hold out the newest part of each so many days of event time, by default 5; 0: rows by their hash", 0, 366
        ),
    ] = None
    format: Annotated[Format, Section("how CSV files are written, where it is not to be found out", Format)] = field(
        default_factory=Format
    )
    unique: Annotated[tuple[Unique, ...], Items(Section("columns whose values together come once", Unique))] = ()
    checks: Annotated[tuple[Check, ...], Items(Section("rules over several columns of a row", Check, dict))] = ()
    rows: Annotated[RowCount, Section("how many rows an object has", RowCount)] = field(default_factory=RowCount)
    freshness: Annotated[Freshness, Section("how old the events of an object are", Freshness)] = field(
        default_factory=Freshness
    )
    label: Annotated[Label, Section("how the target is spread", Label)] = field(default_factory=Label)
    leakage: Annotated[Leakage, Section("features that give the target away", Leakage)] = field(default_factory=Leakage)
    drift: Annotated[Drift, Section("how far data moves from what the champion learned from", Drift)] = field(
        default_factory=Drift
    )
    budgets: Annotated[Budgets, Section("what a model may cost at most", Budgets)] = field(default_factory=Budgets)
    window: Annotated[Window, Section("which data a dataset holds; without it, all", Window)] = field(
        default_factory=Window
    )
    policy: Annotated[Policy, Section("when to retrain, what to take, who approves", Policy)] = field(
        default_factory=Policy
    )
    training: Annotated[Training, Section("the training job", Training)] = field(default_factory=Training)
    sampling: Annotated[Sampling, Section("which rows of the training part are learned from", Sampling)] = field(
        default_factory=Sampling
    )
    tuning: Annotated[Tuning, Section("the search for hyperparameters", Tuning)] = field(default_factory=Tuning)
    serving: Annotated[Serving, Section("the endpoint", Serving)] = field(default_factory=Serving)
    params: Annotated[Mapping[str, Any], Params("handed to build, and recorded with the model")] = field(
        default_factory=dict
    )

    _by_name: Mapping[str, Column] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Contracts of thousands of columns are asked for each of them, again and again."""
        object.__setattr__(self, "_by_name", {column.name: column for column in self.columns})

    def column(self, name: str) -> Column:
        return self._by_name[name]

    def known(self, names: Iterable[str]) -> tuple[Column, ...]:
        """The columns of these names, as far as there are any."""
        return tuple(self._by_name[name] for name in names if name in self._by_name)

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

    @property
    def period(self) -> int | None:
        """Of how many days of event time the newest part is held out; None: rows are held out by their hash."""
        if self.holdout_days is not None:
            return self.holdout_days or None
        times = self.known((self.event_time or "",))
        return PERIOD if times and not times[0].nullable else None

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
        if rule in RULE_SECTIONS:
            section: RowCount | Freshness | Label | Leakage | Drift = getattr(self, rule)
            return section.severity
        if rule.startswith(CHECK):
            return next(check.severity for check in self.checks if f"{CHECK}{check.name}" == rule)
        together = next((u.severity for u in self.unique if rule == "unique" and u.label == column), None)
        named = (known.severity.get(rule) for known in self.known((column,)))
        return together or next(named, None)

    @property
    def digest(self) -> str:
        """sha256 of the contract's content: the same rules are the same contract, whatever their layout in the file."""
        return hashlib.sha256(json.dumps(self.to_dict(), sort_keys=True).encode()).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """The form that `parse` reads: what is compiled into the bundles of functions and jobs."""
        columns = {column.name: write_values(column) for column in self.columns}
        return {**write_values(self), "columns": columns}


def _completed(values: Mapping[str, Any], raw: object, at: Place) -> dict[str, Any]:
    """What of a contract depends on several settings."""
    said = raw.get("columns") if isinstance(raw, Mapping) else None
    given = said if isinstance(said, Mapping) else {}
    columns = tuple(
        contract_checks.implied(column, given.get(column.name), at.below(f"columns.{column.name}"))
        for column in values["columns"]
    )
    checks = (
        contract_checks.check(check, columns, at.below(f"checks.{place}"))
        for place, check in enumerate(values["checks"])
    )
    return {"columns": columns, "checks": tuple(checks)}


def _model_name(named: str, model: str, at: Place) -> str:
    if named != model:
        at.below("model").problem(f"says {shown(named)}, but its folder is {model!r}; rename one of them")
    if not MODEL_NAME.fullmatch(model):
        rule = "1 to 31 lower-case letters, digits and dashes, a letter first and no dash last"
        at.below("model").problem(f"{model!r} must be {rule}")
    return model


def parse(raw: object, model: str) -> Contract:
    """Read a contract for the folder `model`; raises ContractError with every problem found, never only the first."""
    place = Place()
    values = read_values(Contract, {"model": model, **raw} if isinstance(raw, Mapping) else raw, place)
    contract = Contract(
        **{**values, **_completed(values, raw, place), "model": _model_name(values["model"], model, place)}
    )
    contract_checks.look_over(contract, place)
    if place.problems:
        raise ContractError(tuple(place.problems))
    return contract


__all__ = [
    "METRICS",
    "MODEL_NAME",
    "NUMERIC",
    "Approval",
    "Budgets",
    "Check",
    "Column",
    "ColumnType",
    "Contract",
    "ContractError",
    "Cut",
    "Direction",
    "Drift",
    "Evidence",
    "Freshness",
    "Label",
    "Leakage",
    "Metric",
    "Policy",
    "Profile",
    "RowCount",
    "Sampling",
    "Scope",
    "Serving",
    "Task",
    "Traffic",
    "Training",
    "Tuning",
    "Unique",
    "Window",
    "parse",
]
