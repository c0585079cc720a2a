"""Read a dataset as its manifest freezes it: newest rows win, the window holds, the holdout is never trained on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from retide.domain.contract import Column, Contract
from retide.domain.split import split_of
from training import reading, sampling
from training.errors import JobError

MANIFEST_FILE: Final = "manifest.json"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the dataset holds: the files in the order in which they arrived, the window, and the holdout's threshold."""

    id: str
    files: tuple[str, ...]
    cutoff: datetime | None
    threshold: int

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        try:
            raw = json.loads((folder / MANIFEST_FILE).read_text(encoding="utf-8"))
            return cls(raw["dataset"], _files(raw["objects"]), _moment(raw["cutoff"]), int(raw["bucket_threshold"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            problem = f"{type(error).__name__}: {error}"
            raise JobError(f"The dataset's {MANIFEST_FILE} in {folder} cannot be read ({problem}).") from error


@dataclass(frozen=True, slots=True)
class Split:
    """Two tables without a row in common."""

    dataset: str
    training: pa.Table
    holdout: pa.Table


@dataclass(frozen=True, slots=True)
class Selection:
    """Which rows of which files are learned from and which judge: `parts` has one of sampling's codes for each row."""

    manifest: Manifest
    folder: Path
    contract: Contract
    parts: NDArray[np.uint8]

    def batches(self, part: int, columns: Sequence[Column] | None = None) -> Iterator[pa.Table]:
        """The rows of a part in the order of their arrival, some at a time."""
        wanted, start = reading.wanted(self.contract) if columns is None else columns, 0
        for table in reading.batches(self.folder, self.manifest.files, wanted):
            kept = self.parts[start : start + table.num_rows] == part
            start += table.num_rows
            if kept.any():
                yield table.filter(pa.array(kept))

    def table(self, part: int, columns: Sequence[Column] | None = None) -> pa.Table:
        """All rows of a part."""
        wanted = reading.wanted(self.contract) if columns is None else columns
        return pa.concat_tables([reading.nothing(wanted), *self.batches(part, wanted)])

    def size(self, part: int) -> int:
        return int(np.count_nonzero(self.parts == part))

    @property
    def sampled(self) -> dict[str, Any] | None:
        """What a sample took of how many rows; None where the contract asks for none."""
        policy = self.contract.sampling
        if policy.rows is None:
            return None
        taken = self.size(sampling.TRAINING)
        of = taken + self.size(sampling.LEFT_OUT)
        return {"rows": taken, "of": of, "method": policy.method.value, "half_life_days": policy.half_life_days}

    def thinned(self, part: int, most: int) -> pa.Table:
        """Every n-th row of a part, at most `most`, from its first to its last."""
        wanted, step, start = reading.wanted(self.contract), -(-self.size(part) // most), 0
        tables = [reading.nothing(wanted)]
        for table in self.batches(part, wanted):
            tables.append(table.filter(pa.array(np.arange(start, start + table.num_rows) % step == 0)))
            start += table.num_rows
        return pa.concat_tables(tables)

    def split(self, learned: Sequence[Column] | None = None) -> Split:
        """Both parts; `learned` are the columns of the training part that are read, None: all that a model sees."""
        return Split(self.manifest.id, self.table(sampling.TRAINING, learned), self.table(sampling.HOLDOUT))


def select(data: Path, dataset: Path, contract: Contract) -> Selection:
    """Read a few bytes of each row of the channels; raises JobError where there is nothing to learn or judge from."""
    manifest = Manifest.read(dataset)
    if not manifest.files:
        raise JobError("The dataset names no file; send data first.")
    survey = sampling.Survey(contract, manifest.threshold, manifest.cutoff)
    for table in reading.batches(data, manifest.files, survey.columns):
        survey.add(table)
    selection = Selection(manifest, data, contract, survey.parts())
    _check(selection)
    return selection


def load(data: Path, dataset: Path, contract: Contract, learned: Sequence[str] | None = None) -> Split:
    """Read the channels `data` (Parquet) and `dataset` (its manifest); raises JobError where either part is empty.

    `learned` are the columns of the training part that are read; None: all that a model sees.
    """
    columns = contract.known(learned) if learned is not None else None
    return select(data, dataset, contract).split(columns)


def rows(data: Path, files: Sequence[str], contract: Contract) -> pa.Table:
    """All rows of these files in their order, as the contract types them now."""
    wanted = reading.wanted(contract)
    return pa.concat_tables([reading.nothing(wanted), *reading.batches(data, files, wanted)])


def _check(selection: Selection) -> None:
    sizes = {"training part": selection.size(sampling.TRAINING), "holdout": selection.size(sampling.HOLDOUT)}
    for name, size in sizes.items():
        if size == 0:
            total = sum(sizes.values())
            made = split_of(selection.contract)
            advice = "send data of more days, or hold out rows by their hash (holdout_days: 0)" if made.days else ""
            raise JobError(
                f"The {name} of dataset {selection.manifest.id} holds no row (of {total}; held out: {made}); "
                f"{advice or 'send more data'}."
            )


def _files(objects: list[dict[str, Any]]) -> tuple[str, ...]:
    """One name per content: the same bytes sent twice count once, where they came last."""
    latest = dict.fromkeys(reversed([entry["curated"] for entry in objects]))
    return tuple(f"{sha256}.parquet" for sha256 in reversed(latest))


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
