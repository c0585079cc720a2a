"""Choose which rows of a dataset are learned from and which judge, by a first reading that keeps a few bytes of each.

A row has a hash of its id, or of its content where the contract names no id. Of equal ids the row that came last
counts. A sample takes rows in the order of their hashes: it is the same whatever files the rows came in, and a row
leaves it only for rows that are new.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from retide.domain.contract import Column, Contract, Task
from retide.domain.contract_sampling import Method
from training.reading import BUCKET

TRAINING: Final = 1
HOLDOUT: Final = 2
LEFT_OUT: Final = 3
BINS: Final = 10  # of a number, in place of classes
LEAST: Final = 30  # rows of each class that a sample keeps, where there are as many
KEYS: Final = ("0123456789abcdef", "fedcba9876543210")  # of two hashes: together 128 bits, which no two ids share
DAY: Final = 86_400_000_000  # microseconds

type Hashes = NDArray[np.uint64]
type Numbers = NDArray[np.float64]


@dataclass(slots=True)
class Survey:
    """What a first reading keeps of every row, piece by piece; `add` takes the tables in their order."""

    contract: Contract
    threshold: int
    cutoff: Any
    pieces: dict[str, list[NDArray[Any]]] = field(default_factory=dict)
    labels: dict[object, int] = field(default_factory=dict)

    @property
    def columns(self) -> tuple[Column, ...]:
        """What it needs to read."""
        names = {self.contract.target, self.contract.event_time}
        if self.contract.id or self._sampled:
            names |= set(self._identity)
        return tuple(column for column in self.contract.columns if column.name in names)

    @property
    def _sampled(self) -> bool:
        return self.contract.sampling.rows is not None

    @property
    def _identity(self) -> tuple[str, ...]:
        """The columns that tell rows apart: the id, or without one all that a model sees of them and the target."""
        return self.contract.id or (self.contract.target, *(column.name for column in self.contract.features))

    def add(self, table: pa.Table) -> None:
        for name, values in self._kept(table):
            self.pieces.setdefault(name, []).append(values)

    def _kept(self, table: pa.Table) -> Iterator[tuple[str, NDArray[Any]]]:
        yield "held", np.asarray(pc.less(table[BUCKET], self.threshold).to_numpy(zero_copy_only=False), dtype=bool)
        yield "inside", self._inside(table)
        if self.contract.id or self._sampled:
            first, second = hashes(table, self._identity)
            yield "first", first
            yield "second", second
        if not self._sampled:
            return
        if self.contract.sampling.method is Method.TIME_DECAY:
            yield "time", np.asarray(table[self.contract.event_time].cast(pa.int64()).to_numpy(), dtype=np.float64)
        elif self.contract.task is Task.REGRESSION:
            yield "target", np.asarray(table[self.contract.target].cast(pa.float64()).to_numpy(), dtype=np.float64)
        else:
            codes = [
                self.labels.setdefault(label, len(self.labels)) for label in table[self.contract.target].to_pylist()
            ]
            yield "target", np.asarray(codes, dtype=np.float64)

    def _inside(self, table: pa.Table) -> NDArray[np.bool_]:
        if self.cutoff is None or self.contract.event_time is None:
            return np.ones(table.num_rows, dtype=bool)
        late = pc.greater_equal(table[self.contract.event_time], pa.scalar(self.cutoff, pa.timestamp("us", tz="UTC")))
        return np.asarray(late.fill_null(False).to_numpy(zero_copy_only=False), dtype=bool)

    def parts(self) -> NDArray[np.uint8]:
        """By row TRAINING, HOLDOUT, LEFT_OUT by the sample, or 0 for one that is superseded or too old."""
        if not self.pieces:
            return np.zeros(0, dtype=np.uint8)
        found: Mapping[str, NDArray[Any]] = {name: np.concatenate(self.pieces.pop(name)) for name in [*self.pieces]}
        used, held = found["inside"], found["held"]
        if self.contract.id:
            kept, held = newest(found["first"], found["second"], held)
            used &= kept
        training = used & ~held
        parts = np.where(training, LEFT_OUT, 0).astype(np.uint8)
        if self._sampled and training.sum() > (self.contract.sampling.rows or 0):
            training = self._sample(found, np.flatnonzero(training))
        parts[training] = TRAINING
        parts[used & held] = HOLDOUT
        return parts

    def _sample(self, found: Mapping[str, NDArray[Any]], rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        sampling = self.contract.sampling
        order, most = found["first"][rows], sampling.rows or 0
        if sampling.method is Method.TIME_DECAY:
            taken = decayed(order, found["time"][rows], (sampling.half_life_days or 0) * DAY, most)
        else:
            target = found["target"][rows]
            taken = stratified(order, binned(target) if self.contract.task is Task.REGRESSION else target, most)
        mask = np.zeros(len(found["inside"]), dtype=bool)
        mask[rows[taken]] = True
        return mask


def hashes(table: pa.Table, names: Sequence[str]) -> tuple[Hashes, Hashes]:
    """Two hashes of each row's values in these columns."""
    texts = [_text(table[name]) for name in names]
    whole = pc.binary_join_element_wise(*texts, "").to_numpy(zero_copy_only=False)
    first, second = (pd.util.hash_array(whole, hash_key=key, categorize=False) for key in KEYS)
    return first, second


def _text(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Behind its length, so that no two rows of different values have one text."""
    text = (values.cast(pa.int64()) if pa.types.is_timestamp(values.type) else values).cast(pa.string())
    length = pc.binary_length(text).cast(pa.string())
    return pc.binary_join_element_wise(length.fill_null("-"), text.fill_null(""), ":")


def newest(first: Hashes, second: Hashes, held: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Of rows with equal ids the one that arrived last, for a correction replaces what it corrects; and who is held.

    An id is held out where each of its versions is: a model may have learned from any of them.
    """
    kept, together = np.zeros(len(held), dtype=bool), held.copy()
    if len(held):
        order = np.lexsort((second, first))  # stable: equal ones stay in the order of their arrival
        a, b = first[order], second[order]
        begins = np.concatenate([[True], (a[1:] != a[:-1]) | (b[1:] != b[:-1])])
        last = order[np.concatenate([begins[1:], [True]])]
        kept[last] = True
        together[last] = np.logical_and.reduceat(held[order], np.flatnonzero(begins))
    return kept, together


def binned(target: Numbers) -> Numbers:
    edges = np.quantile(target, np.linspace(0, 1, BINS + 1)[1:-1])
    return np.searchsorted(edges, target, side="right").astype(np.float64)


def stratified(order: Hashes, strata: Numbers, most: int) -> NDArray[np.int64]:
    """The places of at most `most` rows: the lowest hashes of each stratum, as many as its share gives it."""
    _, codes, sizes = np.unique(strata, return_inverse=True, return_counts=True)
    quotas = _quotas(sizes, most)
    ranked = np.lexsort((order, codes))
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    taken = [ranked[start : start + quota] for start, quota in zip(starts, quotas, strict=True)]
    return np.sort(np.concatenate(taken)).astype(np.int64)


def _quotas(sizes: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Each stratum's share of `most`; small ones get up to LEAST rows, and the others share what that leaves."""
    least = np.minimum(sizes, min(LEAST, most // len(sizes)))
    small = np.zeros(len(sizes), dtype=bool)
    while True:
        rest = sizes[~small].sum()
        shares = sizes * ((most - least[small].sum()) / max(rest, 1))
        grown = small | (shares < least)
        if (grown == small).all():
            return np.where(small, least, np.minimum(sizes, shares)).astype(np.int64)
        small = grown


def decayed(order: Hashes, time: Numbers, half_life: float, most: int) -> NDArray[np.int64]:
    """The places of `most` rows, taken without replacement with chances that halve every `half_life` before the newest.

    Efraimidis and Spirakis 2006, "Weighted random sampling with a reservoir": the smallest -ln(u) / w are taken; here
    u is the row's hash and everything is in logarithms, for w of old rows is too small for a number. A row without a
    time counts as old as the oldest.
    """
    uniform = (order.astype(np.float64) + 0.5) / 2.0**64
    ages = np.nanmax(time) - np.where(np.isnan(time), np.nanmin(time), time) if not np.isnan(time).all() else 0 * order
    with np.errstate(divide="ignore"):  # the largest hash is 1.0 as a float
        keys = np.log(-np.log(uniform)) + ages / half_life * np.log(2)
    return np.sort(np.lexsort((order, keys))[:most]).astype(np.int64)
