"""Read curated files piece by piece, as the contract types them now: no file has to fit into memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from retide.domain.contract import Column, ColumnType, Contract
from training.errors import JobError
from training.workspace import listed_file

BUCKET: Final = "__bucket"
BATCH: Final = 65_536  # rows that are in memory at a time, beside those that are kept

TYPES: Final = {
    ColumnType.INTEGER: pa.int64(),
    ColumnType.FLOAT: pa.float64(),
    ColumnType.BOOLEAN: pa.bool_(),
    ColumnType.CATEGORY: pa.string(),
    ColumnType.STRING: pa.string(),
    ColumnType.TIMESTAMP: pa.timestamp("us", tz="UTC"),
}


def wanted(contract: Contract) -> tuple[Column, ...]:
    """Only what a job reads: a column of free text stays on disk."""
    roles = {contract.target, contract.event_time, *contract.id, *contract.segments}
    seen = {column.name for column in contract.features}
    return tuple(column for column in contract.columns if column.name in roles | seen)


def batches(folder: Path, files: Sequence[str], columns: Sequence[Column]) -> Iterator[pa.Table]:
    """The rows of these files in their order, at most BATCH at a time, with their buckets; raises JobError."""
    for name in files:
        yield from _batches(listed_file(folder, name), columns)


def nothing(columns: Sequence[Column]) -> pa.Table:
    """A table of no rows."""
    fields = [pa.field(column.name, TYPES[column.type]) for column in columns]
    return pa.schema([*fields, pa.field(BUCKET, pa.int32())]).empty_table()


def _batches(file: Path, columns: Sequence[Column]) -> Iterator[pa.Table]:
    try:
        with pq.ParquetFile(file) as parquet:
            names = set(parquet.schema_arrow.names)
            if BUCKET not in names:
                raise JobError(
                    f"The curated file {file.name} lacks the column {BUCKET}, so nobody can tell its holdout."
                )
            read = [*(column.name for column in columns if column.name in names), BUCKET]
            for batch in parquet.iter_batches(BATCH, columns=read):
                yield _typed(pa.Table.from_batches([batch]), columns, file)
    except (OSError, pa.ArrowException) as error:
        raise JobError(f"The curated file {file.name} cannot be read: {error}.") from error


def _typed(table: pa.Table, columns: Sequence[Column], file: Path) -> pa.Table:
    arrays = {column.name: _column(table, column, file) for column in columns}
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
