"""What a contract says that is allowed and yet hardly meant: floors without teeth, ids as features, names that leak."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from retide.domain.contract import Contract, Direction, Task
from retide.lint import measures
from retide.lint.findings import Finding
from retide.lint.places import Places
from retide.lint.sample import Sample

SCALES: Final = {"roc_auc": 1.0, "pr_auc": 1.0, "accuracy": 1.0, "f1": 1.0, "brier": 1.0}
NO_SAMPLE: Final = {"roc_auc": 0.5, "r2": 0.0}
IDENTIFIER: Final = re.compile(r"(^|[_\W])(id|ids|uuid|guid)$|[a-z]I[dD]$")


@dataclass(frozen=True, slots=True)
class Terms:
    """A contract with the places of its settings, and the sample where there is one that it accepts."""

    contract: Contract
    places: Places
    sample: Sample | None

    def feature(self, code: str, name: str, message: str) -> Finding:
        return self.places.at(code, f"columns.{name}", message)


def floors(terms: Terms) -> Iterator[Finding]:
    metric = terms.contract.metric
    if metric.floor is None:
        return
    best = 1.0 if metric.direction is Direction.MAXIMIZE else 0.0
    constant = constant_answer(terms)
    if metric.sign * (metric.floor - best) >= 0:
        said = (
            f"{metric.name} of {metric.floor:g} is {'the' if metric.floor == best else 'better than the'} best there is"
        )
        yield terms.places.at("RT601", "metric.floor", said)
    elif constant is not None and metric.sign * (metric.floor - constant) <= 0:
        said = f"a constant answer reaches {metric.name} {constant:.4g}, the floor is {metric.floor:g}"
        yield terms.places.at("RT602", "metric.floor", said)


def constant_answer(terms: Terms) -> float | None:
    """What a model that knows nothing scores on the sample; without one, what is known of the metric itself."""
    contract, name = terms.contract, terms.contract.metric.name
    shares = terms.sample.shares(contract.target) if terms.sample else {}
    if len(shares) < 2 or terms.sample is None:
        return NO_SAMPLE.get(name)
    if contract.task is Task.REGRESSION:
        return measures.constant_regression(name, _numbers(terms.sample.columns[contract.target]))
    listed = contract.column(contract.target).values
    labels: list[object] = sorted(
        shares, key=lambda label: (listed.index(str(label)) if str(label) in listed else 0, str(label))
    )
    return measures.constant_classification(name, dict(shares.items()), labels[-1])


def _numbers(cells: tuple[object, ...]) -> list[float]:
    return [cell for cell in cells if isinstance(cell, float)]


def scales(terms: Terms) -> Iterator[Finding]:
    """A metric between 0 and 1 cannot move by 1; an error cannot fall by more than what a constant answer makes."""
    metric = terms.contract.metric
    errors = constant_answer(terms) if metric.direction is Direction.MINIMIZE else None
    largest = SCALES.get(metric.name, errors)
    for name, value in (("margin", metric.margin), ("segment_loss", metric.segment_loss)):
        if largest is not None and value is not None and value >= largest:
            said = f"{name} {value:g} is more than {metric.name} can move ({largest:.4g})"
            yield terms.places.at("RT603", f"metric.{name}", said)


def constants(terms: Terms) -> Iterator[Finding]:
    for column in terms.contract.features:
        seen = terms.sample.shares(column.name) if terms.sample and terms.sample.rows >= 50 else {}
        if len(column.values) == 1:
            yield terms.feature("RT604", column.name, f"{column.name!r} allows only {column.values[0]!r}")
        elif column.minimum is not None and column.minimum == column.maximum:
            yield terms.feature("RT604", column.name, f"{column.name!r} allows only {column.minimum:g}")
        elif len(seen) == 1:
            yield terms.feature(
                "RT604", column.name, f"{column.name!r} is {next(iter(seen))} in every row of the sample"
            )


def identifiers(terms: Terms) -> Iterator[Finding]:
    for column in terms.contract.features:
        if IDENTIFIER.search(column.name):
            yield terms.feature("RT605", column.name, f"{column.name!r} is named like an identifier")
        elif column.unique:
            yield terms.feature("RT605", column.name, f"{column.name!r} is unique in every row")
        elif _counts_rows(terms, column.name):
            yield terms.feature("RT605", column.name, f"{column.name!r} differs in every row of the sample")


def _counts_rows(terms: Terms, name: str) -> bool:
    """Texts that never repeat, or whole numbers that count on; measured numbers may well differ in every row."""
    if terms.sample is None or terms.sample.rows < 50:
        return False
    cells = [cell for cell in terms.sample.columns.get(name, ()) if cell is not None]
    if len(cells) < terms.sample.rows or len(set(cells)) < len(cells):
        return False
    numbers = _numbers(tuple(cells))
    return not numbers or max(numbers) - min(numbers) + 1 == len(numbers)


def missing_values(terms: Terms) -> Iterator[Finding]:
    for column in terms.contract.columns:
        for value in column.values:
            if value in terms.contract.missing:
                said = f"{value!r} is an allowed value of {column.name!r} and a text that means no value"
                yield terms.places.at("RT606", f"columns.{column.name}.values", said)


def windows(terms: Terms) -> Iterator[Finding]:
    contract = terms.contract
    if contract.window.days and contract.event_time and contract.column(contract.event_time).nullable:
        yield terms.places.at("RT607", "window.days", f"{contract.event_time!r} may be missing")


def segments(terms: Terms) -> Iterator[Finding]:
    contract = terms.contract
    for name in contract.segments:
        if name == contract.target:
            yield terms.places.at("RT608", "segments", f"{name!r} is the target")
        elif (
            terms.sample
            and terms.sample.rows >= 50
            and max(terms.sample.shares(name).values(), default=0) < _least(terms)
        ):
            yield terms.places.at("RT609", "segments", f"no value of {name!r} is shared by 10 rows of the sample")


def _least(terms: Terms) -> float:
    return 10 / terms.sample.rows if terms.sample else 0.0


def names(terms: Terms) -> Iterator[Finding]:
    """`churned_flag` beside the target `churned`."""
    target = _words(terms.contract.target)
    for column in terms.contract.features:
        words = _words(column.name)
        places = range(len(words) - len(target) + 1)
        if any(words[place : place + len(target)] == target for place in places):
            said = f"the name of {column.name!r} contains that of the target {terms.contract.target!r}"
            yield terms.feature("RT104", column.name, said)


def _words(name: str) -> list[str]:
    return [word.lower() for word in re.split(r"[\W_]+|(?<=[a-z])(?=[A-Z])", name) if word]
