"""Hint at features that give the target away: one that equals it, or tells it in nearly every row of a sample."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
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

type Groups = Sequence[Sequence[Any]]
type Sample = Sequence[Sequence[Any]]


def sampled(relation: str, contract: Contract, connection: duckdb.DuckDBPyConnection) -> Sample:
    """The first rows, of what `leakage` looks at: the target, and the features that are not sensitive."""
    if contract.leakage.limit is None:
        return ()
    columns = ", ".join(name(column.name) for column in (contract.column(contract.target), *_features(contract)))
    return connection.execute(f"SELECT {columns} FROM {relation} LIMIT {SAMPLE}").fetchall()


def leakage(sample: Sample, contract: Contract) -> tuple[Finding, ...]:
    """How well each feature alone tells the target, from 0 (no better than the usual answer) to 1 (in every row)."""
    if len(sample) < LEAST:
        return ()
    labels, *values = zip(*sample, strict=True)
    labelled = [row for row, label in enumerate(labels) if label is not None]
    columns = zip(_features(contract), values, strict=True)
    return tuple(
        _hints(((column, _told(column, seen, labels, labelled, contract)) for column, seen in columns), contract)
    )


def _features(contract: Contract) -> list[Column]:
    return [column for column in contract.features if not column.pii]


def _hints(told: Iterable[tuple[Column, float]], contract: Contract) -> Iterator[Finding]:
    limit = contract.leakage.limit or 0.0
    for column, share in told:
        if share >= limit:
            expected = f"no single feature that tells {contract.target!r} (less than {limit:.0%} of what is to be told)"
            advice = "Is it known before the target is? If not, leave it out of the features (feature: false)."
            severity = contract.severity("leakage")
            yield Finding("leakage", column.name, expected, f"{share:.1%} of it", advice, severity=severity)


def _told(
    column: Column, values: Sequence[Any], labels: Sequence[Any], labelled: Sequence[int], contract: Contract
) -> float:
    """Only rows with a label count; a missing value is a value. Zero where it is below the limit, however far."""
    grouped = _bins if column.type in NUMERIC else _values
    groups = grouped(values, labels, labelled)
    if not groups or len(groups) * _DISTINCT > len(labelled):
        return 0.0
    share = _classes if contract.task is Task.CLASSIFICATION else _variance
    return share(groups, contract.leakage.limit or 0.0)


def _values(values: Sequence[Any], labels: Sequence[Any], rows: Sequence[int]) -> Groups:
    groups = defaultdict[Any, list[Any]](list)
    for row in rows:
        groups[values[row]].append(labels[row])
    return list(groups.values())


def _bins(values: Sequence[Any], labels: Sequence[Any], rows: Sequence[int]) -> Groups:
    """The labels in bins of numbers, in their order, those of what is missing last; equal numbers are in one bin."""
    order = sorted((row for row in rows if values[row] is not None), key=values.__getitem__)
    order += [row for row in rows if values[row] is None]
    groups, start = [], 0
    while start < len(order):
        end = start + _BIN
        while end < len(order) and values[order[end]] == values[order[end - 1]]:
            end += 1
        groups.append([labels[row] for row in order[start:end]])
        start = end
    return groups


def _classes(groups: Groups, limit: float) -> float:
    """The share of rows that the usual class of each group gets right, above what the usual class of all gets right."""
    classes = Counter(chain.from_iterable(groups))
    rows, usual = classes.total(), max(classes.values())
    most, wrong = (1 - limit + _SLACK) * (rows - usual), 0
    for group in groups:
        wrong += len(group) - max(map(group.count, set(group)))
        if wrong > most:
            return 0.0
    return 1 - wrong / (rows - usual) if rows > usual else 0.0


def _variance(groups: Groups, limit: float) -> float:
    """The part of the variance that lies between the groups."""
    mean = fmean(chain.from_iterable(groups))
    whole = sum((label - mean) ** 2 for label in chain.from_iterable(groups))
    most, within = (1 - limit + _SLACK) * whole, 0.0
    for group in groups:
        middle = fmean(group)
        within += sum((label - middle) ** 2 for label in group)
        if within > most:
            return 0.0
    return 1 - within / whole if whole > 0 else 0.0
