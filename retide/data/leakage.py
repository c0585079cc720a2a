"""Hint at features that give the target away: one that equals it, or tells it in nearly every row of a sample."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from math import fsum
from statistics import fmean
from typing import Any, Final

import duckdb

from retide.data.engine import name
from retide.domain.contract import NUMERIC, Column, Contract, Task
from retide.domain.verdict import Finding

SAMPLE: Final = 2_000  # the first rows
LEAST: Final = 100  # of fewer rows, chance alone makes a copy of the target
_BIN: Final = 20  # rows of a bin of numbers
_DISTINCT: Final = 10  # rows for each value, on average: a value of its own for each row tells anything
_SLACK: Final = 1e-9  # of what is to be told: what the order of adding up may change

type Labels = Sequence[Any]
type Groups = Iterable[Labels]
type Sample = Sequence[Sequence[Any]]


def sampled(relation: str, contract: Contract, connection: duckdb.DuckDBPyConnection) -> Sample:
    """The first rows, of what `leakage` looks at: the target, and the features that are not sensitive."""
    if contract.leakage.limit is None:
        return ()
    columns = ", ".join(name(column.name) for column in (contract.column(contract.target), *_features(contract)))
    return connection.execute(f"SELECT {columns} FROM {relation} LIMIT {SAMPLE}").fetchall()


def leakage(sample: Sample, contract: Contract) -> tuple[Finding, ...]:
    """How well each feature alone tells the target, from 0 (no better than the usual answer) to 1 (in every row).

    Only rows with a label count; a missing value is a value.
    """
    labelled = [row for row in sample if row[0] is not None]
    if len(labelled) < LEAST:
        return ()
    labels, *values = zip(*labelled, strict=True)
    lost = _wrong if contract.task is Task.CLASSIFICATION else _scatter
    whole, least = lost(labels), contract.leakage.limit or 0.0
    shares = (
        (column, _share(_groups(column, seen, labels), lost, whole, least))
        for column, seen in zip(_features(contract), values, strict=True)
    )
    return tuple(_hints(shares, contract))


def _features(contract: Contract) -> list[Column]:
    return [column for column in contract.features if not column.pii]


def _hints(shares: Iterable[tuple[Column, float]], contract: Contract) -> Iterator[Finding]:
    limit = contract.leakage.limit or 0.0
    for column, share in shares:
        if share >= limit:
            expected = f"no single feature that tells {contract.target!r} (less than {limit:.0%} of what is to be told)"
            advice = "Is it known before the target is? If not, leave it out of the features (feature: false)."
            severity = contract.severity("leakage")
            yield Finding("leakage", column.name, expected, f"{share:.1%} of it", advice, severity=severity)


def _share(groups: Groups, lost: Callable[[Labels], float], whole: float, least: float) -> float:
    """The part of the whole that is not lost within the groups; zero where it is below the least, however far."""
    most, within = (1 - least + _SLACK) * whole, 0.0
    for group in groups:
        within += lost(group)
        if within > most:
            return 0.0
    return 1 - within / whole if whole > 0 else 0.0


def _wrong(labels: Labels) -> int:
    """How many rows the usual class of them gets wrong."""
    return len(labels) - max(Counter(labels).values())


def _scatter(labels: Labels) -> float:
    """The sum of squared differences from their mean."""
    mean = fmean(labels)
    return fsum((label - mean) ** 2 for label in labels)


def _groups(column: Column, values: Sequence[Any], labels: Labels) -> Groups:
    """The labels by value, or in bins of numbers; all together where there are too many values to tell anything."""
    if column.type in NUMERIC:
        return _bins(values, labels)
    groups = defaultdict[Any, list[Any]](list)
    for value, label in zip(values, labels, strict=True):
        groups[value].append(label)
    return groups.values() if len(groups) * _DISTINCT <= len(labels) else (labels,)


def _bins(values: Sequence[Any], labels: Labels) -> Iterator[Labels]:
    """In the order of their numbers, those of what is missing last; equal numbers are in one bin."""
    order = sorted((row for row, value in enumerate(values) if value is not None), key=values.__getitem__)
    order += [row for row, value in enumerate(values) if value is None]
    start = 0
    while start < len(order):
        end = start + _BIN
        while end < len(order) and values[order[end]] == values[order[end - 1]]:
            end += 1
        yield [labels[row] for row in order[start:end]]
        start = end
