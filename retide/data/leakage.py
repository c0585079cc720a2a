"""Hint at features that give the target away: one that equals it, or tells it in nearly every row of a sample."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
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

type Groups = Iterable[Sequence[Any]]


def leakage(relation: str, contract: Contract, connection: duckdb.DuckDBPyConnection) -> tuple[Finding, ...]:
    """How well each feature alone tells the target, from 0 (no better than the usual answer) to 1 (in every row)."""
    if contract.leakage.limit is None:
        return ()
    features = [column for column in contract.features if not column.pii]
    columns = ", ".join(name(column.name) for column in (contract.column(contract.target), *features))
    sample = connection.execute(f"SELECT {columns} FROM {relation} LIMIT {SAMPLE}").fetchall()
    labels, *values = zip(*sample, strict=True) if len(sample) >= LEAST else ((),)
    told = ((column, _told(column, seen, labels, contract)) for column, seen in zip(features, values, strict=False))
    return tuple(_hints(told, contract))


def _hints(told: Iterable[tuple[Column, float]], contract: Contract) -> Iterator[Finding]:
    limit = contract.leakage.limit or 0.0
    for column, share in told:
        if share >= limit:
            expected = f"no single feature that tells {contract.target!r} (less than {limit:.0%} of what is to be told)"
            advice = "Is it known before the target is? If not, leave it out of the features (feature: false)."
            severity = contract.severity("leakage")
            yield Finding("leakage", column.name, expected, f"{share:.1%} of it", advice, severity=severity)


def _told(column: Column, values: Sequence[Any], labels: Sequence[Any], contract: Contract) -> float:
    """Only rows with a label count; a missing value is a value."""
    pairs = [(value, label) for value, label in zip(values, labels, strict=True) if label is not None]
    groups = list(_bins(pairs) if column.type in NUMERIC else _values(pairs))
    if len(groups) * _DISTINCT > len(pairs):
        return 0.0
    return _classes(groups) if contract.task is Task.CLASSIFICATION else _variance(groups)


def _values(pairs: Sequence[tuple[Any, Any]]) -> Groups:
    groups = defaultdict[Any, list[Any]](list)
    for value, label in pairs:
        groups[value].append(label)
    return groups.values()


def _bins(pairs: Sequence[tuple[Any, Any]]) -> Groups:
    """The labels in bins of numbers, in their order, those of what is missing last; equal numbers are in one bin."""
    present = sorted(pair for pair in pairs if pair[0] is not None)
    held: list[Any] = []
    before = None
    for value, label in (*present, *(pair for pair in pairs if pair[0] is None)):
        if len(held) >= _BIN and value != before:
            yield held
            held = []
        held.append(label)
        before = value
    if held:
        yield held


def _classes(groups: Sequence[Sequence[Any]]) -> float:
    """The share of rows that the usual class of each group gets right, above what the usual class of all gets right."""
    counts = Counter((group, label) for group, labels in enumerate(groups) for label in labels)
    right, classes = defaultdict[int, int](int), Counter[Any]()
    for (group, label), rows in counts.items():
        right[group] = max(right[group], rows)
        classes[label] += rows
    rows, usual = classes.total(), max(classes.values())
    return (sum(right.values()) - usual) / (rows - usual) if rows > usual else 0.0


def _variance(groups: Sequence[Sequence[float]]) -> float:
    """The part of the variance that lies between the groups."""
    labels = [label for group in groups for label in group]
    mean = fmean(labels)
    whole = sum((label - mean) ** 2 for label in labels)
    between = sum(len(group) * (fmean(group) - mean) ** 2 for group in groups)
    return between / whole if whole > 0 else 0.0
