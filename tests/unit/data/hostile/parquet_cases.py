"""Hostile Parquet: cut, damaged, encrypted, with footers that lie about rows, sizes and statistics, or odd columns."""

from __future__ import annotations

import random
import struct
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from io import BytesIO
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.unit.data.hostile.case import Case, case, cases, noise

ROWS = 300
START = datetime(2026, 1, 1, tzinfo=UTC)


def columns(count: int = ROWS) -> dict[str, pa.Array]:
    return {
        "customer": pa.array([f"C{i}" for i in range(count)]),
        "seen_at": pa.array([START + timedelta(seconds=i) for i in range(count)]),
        "plan": pa.array([("basic", "pro")[i % 2] for i in range(count)]),
        "months": pa.array([100 + i for i in range(count)]),
        "spend": pa.array([i / 7 for i in range(count)]),
        "left": pa.array([i % 2 == 0 for i in range(count)]),
    }


def written(table: pa.Table, **options: Any) -> bytes:
    file = BytesIO()
    pq.write_table(table, file, **options)
    return file.getvalue()


def with_columns(**changed: pa.Array) -> bytes:
    return written(pa.table({**columns(), **changed}))


@cache
def sound() -> bytes:
    """Three row groups, nothing compressed, so that a change of a byte is a change of what it says."""
    options = {"row_group_size": 100, "compression": "none", "use_dictionary": False, "store_schema": False}
    return written(pa.table(columns()), **options)


def footer() -> bytes:
    data = sound()
    return data[-8 - struct.unpack("<I", data[-8:-4])[0] : -8]


def with_footer(changed: bytes) -> bytes:
    body = sound()[: -8 - len(footer())]
    return body + changed + struct.pack("<I", len(changed)) + b"PAR1"


def varint(value: int) -> bytes:
    """A number as Thrift's compact protocol writes it."""
    left, parts = (value << 1) ^ (value >> 63), b""
    while left > 0x7F:
        parts, left = parts + bytes([left & 0x7F | 0x80]), left >> 7
    return parts + bytes([left])


def lying(old: bytes, new: bytes, times: int = -1) -> bytes:
    assert old in footer()
    return with_footer(footer().replace(old, new, times))


def total(value: int) -> tuple[bytes, bytes]:
    """The field of the footer with the rows of the whole file, followed by the list of row groups."""
    return b"\x16" + varint(ROWS) + b"\x19", b"\x16" + varint(value) + b"\x19"


def group(value: int) -> tuple[bytes, bytes]:
    """The field with the rows of a row group, the last but for its place."""
    return b"\x16" + varint(100) + b"\x26", b"\x16" + varint(value) + b"\x26"


def _cut() -> list[Case]:
    data = sound()
    at = [5, 11, 40, 500, len(data) // 2, len(data) - 600, len(data) - 9, len(data) - 8, len(data) - 4, len(data) - 1]
    table = [(f"after {place} bytes", data[:place], "a Parquet file that is cut off") for place in at]
    inside = [
        (f"without bytes {place} to {place + 50}", data[:place] + data[place + 50 :], "Parquet") for place in at[2:5]
    ]
    return cases("cut Parquet", [*table, *inside])


def _footers() -> list[Case]:
    data = sound()
    lengths = (0, len(data) - 11, 2**31 - 1, 2**31, 2**32 - 1)
    table = [
        (f"of {length} bytes", data[:-8] + struct.pack("<I", length) + b"PAR1", "footer cannot be right")
        for length in lengths
    ]
    table += [
        (f"of {length} bytes", data[:-8] + struct.pack("<I", length) + b"PAR1", "breaks while") for length in (1, 99)
    ]
    table += [(f"of noise {seed}", with_footer(noise(seed, 600)), "a file that breaks while") for seed in range(5)]
    table += [
        ("of zeros", with_footer(bytes(600)), "Parquet"),
        ("of 65 MiB", with_footer(bytes(65 * 2**20)), "up to 67,108,864 are taken"),
        ("encrypted", data[:-4] + b"PARE", "an encrypted Parquet file"),
        ("encrypted from the start", b"PARE" + data[4:-4] + b"PARE", "an encrypted Parquet file"),
        ("of another format", b"PAR1" + data[4:-4] + b"ORC1", "cut off"),
    ]
    return cases("footer", table)


def _lies() -> list[Case]:
    both = lying(*total(3 * 2**40)).replace(*group(2**40))
    says = "contradicts itself"
    most = "the most that is taken"
    table = [
        ("more rows than there are", lying(*total(301)), says),
        ("fewer rows than there are", lying(*total(200)), says),
        ("no rows", lying(*total(0)), says),
        ("a negative number of rows", lying(*total(-1)), "negative number of rows"),
        ("2^40 rows", lying(*total(2**40)), most),
        ("2^62 rows", lying(*total(2**62)), most),
        ("an empty row group", lying(*group(0)), says),
        ("a row group of 2^40 rows", lying(*group(2**40)), says),
        ("a row group of negative length", lying(*group(-100)), says),
        ("2^40 rows in each row group", _refooted(both), most),
    ]
    return cases("lying footer", table)


def _refooted(data: bytes) -> bytes:
    """With the length of a footer that was changed in place."""
    start = len(sound()) - 8 - len(footer())
    return data[:-8] + struct.pack("<I", len(data) - 8 - start) + b"PAR1"


def _statistics() -> list[Case]:
    """Values out of range under a footer that says they are in it: only the values count."""
    high = pa.array([100_000 + i for i in range(ROWS)])
    options = {"compression": "none", "use_dictionary": False, "store_schema": False}
    data = written(pa.table({**columns(), "months": high}), **options)
    for value, lie in ((100_000, 1), (100_000 + ROWS - 1, 9)):
        data = data[:-3000] + data[-3000:].replace(struct.pack("<q", value), struct.pack("<q", lie))
    return [case("lying statistics: of 300 values out of range", data, "300 rows outside")]


def _damaged(seed: int) -> bytes:
    chosen, data = random.Random(seed), bytearray(sound())
    for _ in range(3):
        place = chosen.randrange(len(data) - len(footer()) - 8, len(data) - 4)
        data[place] = chosen.choice((0, 0x7F, 0x80, 0xFF, chosen.randrange(256)))
    return bytes(data)


def _pages() -> list[Case]:
    """Sizes in a page's own head, far from the footer; the first page begins at byte 4."""
    data = sound()
    sizes = {"negative": varint(-1), "of 2 GiB": varint(2**31 - 1), "of nothing": varint(0)}
    head = data[4:8]
    table = [(name, data[:4] + head[:3] + size + data[4 + 3 + 2 :], "file") for name, size in sizes.items()]
    table += [("of noise", data[:4] + noise(7, 400) + data[404:], "file")]
    return cases("page", table)


def _columns() -> list[Case]:
    nested = pa.array([{"a": i} for i in range(ROWS)])
    lists = pa.array([[i] for i in range(ROWS)])
    twice = pa.Table.from_arrays([*columns().values(), columns()["plan"]], names=[*columns(), "plan"])
    table = [
        ("a structure for a number", with_columns(months=nested), "Nested values are no cells"),
        ("a list for a text", with_columns(plan=lists), "Nested values are no cells"),
        ("nested values nobody wants", with_columns(more=nested, others=lists), ""),
        ("a column twice", written(twice), "one column of this name"),
        ("text for a number", with_columns(months=pa.array(["7"] * ROWS)), "a Parquet column of type integer"),
        ("bytes that are text", with_columns(plan=pa.array([b"pro"] * ROWS)), ""),
        ("bytes that are none", with_columns(plan=pa.array([b"\xff\xfe"] * ROWS)), "breaks while"),
        ("a dictionary of texts", with_columns(plan=columns()["plan"].dictionary_encode()), ""),
        ("large integers", with_columns(months=pa.array([2**64 - 1] * ROWS, pa.uint64())), "a whole number"),
        ("fractions for whole numbers", with_columns(months=pa.array([1.5] * ROWS)), "a whole number"),
        ("infinite numbers", with_columns(spend=pa.array([float("inf")] * ROWS)), "a number such as"),
        ("no numbers at all", with_columns(spend=pa.array([float("nan")] * ROWS)), "missing"),
        ("decimals", with_columns(spend=pa.array([Decimal("1.5")] * ROWS)), ""),
        ("half precision", with_columns(spend=pa.array([1.5] * ROWS, pa.float16())), ""),
        ("nulls where none may be", with_columns(plan=pa.nulls(ROWS, pa.string())), "a value in every row"),
        ("a type of nothing", with_columns(plan=pa.nulls(ROWS)), ""),
        ("nanoseconds", with_columns(seen_at=columns()["seen_at"].cast(pa.timestamp("ns"))), ""),
        ("days", with_columns(seen_at=columns()["seen_at"].cast(pa.date32())), ""),
        (
            "times of day",
            with_columns(seen_at=pa.array([7] * ROWS, pa.time32("s"))),
            "a Parquet column of type timestamp",
        ),
        ("the end of all time", with_columns(seen_at=pa.array([2**63 - 1] * ROWS, pa.timestamp("us"))), "a time like"),
        ("3,000 columns", with_columns(**{f"x{i}": columns()["spend"] for i in range(3_000)}), ""),
        ("an SQL statement for a name", with_columns(**{'x") FROM y; --': columns()["spend"]}), ""),
        ("a NUL in a name", with_columns(**{"x\0y": columns()["spend"]}), ""),
    ]
    refusing = {"a type of nothing": "Parquet column of type category"}
    return cases("column", [(name, data, refusing.get(name, says)) for name, data, says in table])


def parquet_cases() -> list[Case]:
    damaged = [case(f"damaged footer {seed}", _damaged(seed), "Parquet", harmless=True) for seed in range(30)]
    return [*_cut(), *_footers(), *_lies(), *_statistics(), *_pages(), *_columns(), *damaged]
