"""Read a dataset as its manifest freezes it: newest rows win, the window holds, the holdout is never trained on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from retide.domain.contract import Column, ColumnType, Contract
from training.errors import JobError
from training.workspace import listed_file

BUCKET: Final = "__bucket"
ORDER: Final = "__order"
MANIFEST_FILE: Final = "manifest.json"

TYPES: Final = {
    ColumnType.INTEGER: pa.int64(),
    ColumnType.FLOAT: pa.float64(),
    ColumnType.BOOLEAN: pa.bool_(),
    ColumnType.CATEGORY: pa.string(),
    ColumnType.STRING: pa.string(),
    ColumnType.TIMESTAMP: pa.timestamp("us", tz="UTC"),
}


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


def load(data: Path, dataset: Path, contract: Contract) -> Split:
    """Read the channels `data` (Parquet) and `dataset` (its manifest); raises JobError where either part is empty."""
    manifest = Manifest.read(dataset)
    table = _newest(rows(data, manifest.files, contract), contract.id) if manifest.files else None
    table = _within(table, contract, manifest.cutoff)
    held = pc.less(table[BUCKET], manifest.threshold)
    split = Split(manifest.id, table.filter(pc.invert(held)), table.filter(held))
    _check(split)
    return split


def rows(data: Path, files: Sequence[str], contract: Contract) -> pa.Table:
    """All rows of these files in their order, as the contract types them now."""
    wanted = _wanted(contract)
    return pa.concat_tables([_read(listed_file(data, name), wanted) for name in files])


def _check(split: Split) -> None:
    for name, table in (("training part", split.training), ("holdout", split.holdout)):
        if table.num_rows == 0:
            total = split.training.num_rows + split.holdout.num_rows
            raise JobError(f"The {name} of dataset {split.dataset} holds no row (of {total}); send more data.")


def _files(objects: list[dict[str, Any]]) -> tuple[str, ...]:
    """One name per content: the same bytes sent twice count once, where they came last."""
    latest = dict.fromkeys(reversed([entry["curated"] for entry in objects]))
    return tuple(f"{sha256}.parquet" for sha256 in reversed(latest))


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _wanted(contract: Contract) -> tuple[Column, ...]:
    """Only what a job reads: a column of free text stays on disk."""
    roles = {contract.target, contract.event_time, *contract.id, *contract.segments}
    seen = {column.name for column in contract.features}
    return tuple(column for column in contract.columns if column.name in roles | seen)


def _read(file: Path, wanted: tuple[Column, ...]) -> pa.Table:
    try:
        with pq.ParquetFile(file) as parquet:
            names = set(parquet.schema_arrow.names)
            table = parquet.read([*(column.name for column in wanted if column.name in names), BUCKET])
    except (OSError, pa.ArrowException) as error:
        raise JobError(f"The curated file {file.name} cannot be read: {error}.") from error
    if BUCKET not in table.column_names:
        raise JobError(f"The curated file {file.name} lacks the column {BUCKET}, so nobody can tell its holdout.")
    arrays = {column.name: _column(table, column, file) for column in wanted}
    return pa.table({**arrays, BUCKET: table[BUCKET].cast(pa.int32())})


def _column(table: pa.Table, column: Column, file: Path) -> pa.ChunkedArray:
    """A column as the contract types it now; a nullable one that the file does not know yet is all missing."""
    kind = TYPES[column.type]
    if column.name not in table.column_names:
        if not column.nullable:
            raise JobError(
                f"The curated file {file.name} lacks column {column.name!r}, which the contract now demands: "
                "make it nullable, or send the data again."
            )
        return pa.chunked_array([pa.nulls(table.num_rows, kind)])
    try:
        return table[column.name].cast(kind)
    except pa.ArrowException as error:
        raise JobError(f"Column {column.name!r} of {file.name} is no {column.type.value}: {error}.") from error


def _newest(table: pa.Table, ids: tuple[str, ...]) -> pa.Table:
    """Of rows with equal ids the one that arrived last: a correction replaces what it corrects.

    An id is held out where each of its versions is: a model may have learned from any of them.
    """
    if not ids:
        return table
    numbered = table.append_column(ORDER, pa.array(np.arange(table.num_rows)))
    found = numbered.group_by(list(ids)).aggregate([(ORDER, "max"), (BUCKET, "max")]).sort_by(f"{ORDER}_max")
    last = table.take(found[f"{ORDER}_max"].combine_chunks())
    return last.set_column(last.column_names.index(BUCKET), BUCKET, found[f"{BUCKET}_max"])


def _within(table: pa.Table | None, contract: Contract, cutoff: datetime | None) -> pa.Table:
    if table is None:
        raise JobError("The dataset names no file; send data first.")
    if cutoff is None or contract.event_time is None:
        return table
    return table.filter(pc.greater_equal(table[contract.event_time], pa.scalar(cutoff, TYPES[ColumnType.TIMESTAMP])))
