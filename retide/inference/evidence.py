"""What all rows of a file say of each of its columns: counts, kinds, ranges, values; nothing is concluded here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from retide.data.cells import Cell, stored, typed
from retide.domain.contract import NUMERIC, Column, ColumnType
from retide.domain.contract_parts import MISSING
from retide.inference.table import ROW, Field, Table, quoted

MARKERS: Final = (
    *MISSING,
    "N/A",
    "n/a",
    "na",
    "nan",
    "NULL",
    "Null",
    "None",
    "none",
    "NONE",
    "#N/A",
    "<NA>",
    "NaT",
    "-",
    "--",
    ".",
    "\\N",
    "(null)",
    "missing",
    "unknown",
)
SURELY: Final = frozenset(  # these are never a word
    {"N/A", "n/a", "NULL", "Null", "nan", "#N/A", "<NA>", "NaT", "\\N", "(null)"}
)
KINDS: Final = (ColumnType.INTEGER, ColumnType.FLOAT, ColumnType.BOOLEAN, ColumnType.TIMESTAMP)
FEW: Final = 1_000  # values up to which each is counted
ZEROS: Final = "coalesce(count_if(regexp_full_match({}, '0[0-9]+')), 0)"
_DATES: Final[Mapping[str, str]] = {
    "day.month.year": "^[0-9]{1,2}[.][0-9]{1,2}[.][0-9]{4}( .*)?$",
    "day/month/year or month/day/year": "^[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}( .*)?$",
    "day-month-year": "^[0-9]{1,2}-([0-9]{1,2}|[A-Za-z]{3})-[0-9]{2,4}( .*)?$",
    "year/month/day": "^[0-9]{4}/[0-9]{1,2}/[0-9]{1,2}( .*)?$",
}
_SHAPES: Final[Mapping[str, str]] = {
    "e-mail addresses": "^[^@ ]+@[^@ ]+[.][^@ ]+$",
    "telephone numbers": "^([+]|00?)[0-9][0-9 ()/.-]{6,}$",
    "IBANs": "^[A-Z]{2}[0-9]{2}( ?[A-Z0-9]{4}){2,7}( ?[A-Z0-9]{1,4})?$",
    "uuids": "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$",
    "leading zeros": "^0[0-9]+$",
    "several words": " [^ ]+ [^ ]+ ",
    "grouped thousands": "^[-+]?[0-9]{1,3}([., '][0-9]{3})+([.,][0-9]+)?$",
    "amounts with a sign": "^[€$£] ?[0-9.,]+$|^[0-9.,]+ ?[€$£%]$",
}


_COUNTS: Final = ("count(c)", "count(v)", "approx_count_distinct(v)")
_NUMBERS: Final = (
    "min(v)",
    "max(v)",
    "coalesce(stddev_pop(CAST(v AS DOUBLE)), 0)",
    "coalesce(bool_and(v = trunc(v)), false)",
)
_LENGTH: Final = "coalesce(avg(length(v)), 0)"
_ALL_DIFFER: Final = 0.8  # of an estimate of how many values there are: it errs by a few percent


@dataclass(frozen=True, slots=True)
class Texts:
    """A column of text: `present` cells hold something, `markers` counts what may mean nothing.

    `fits` counts the present cells that read as each kind, `comma` those that are numbers with a decimal comma, and
    `zeros` those that begin with a 0 that no number needs.
    """

    present: int
    markers: Mapping[str, int]
    fits: Mapping[ColumnType, int]
    comma: int
    zeros: int

    def kind(self, decimal: str, tolerance: float) -> ColumnType | None:
        """The narrowest kind that all but a share of the cells are of; None where that is text."""
        fits = {**self.fits, ColumnType.FLOAT: self.comma} if decimal == "," else self.fits
        order = (ColumnType.INTEGER, ColumnType.FLOAT, ColumnType.TIMESTAMP)
        whole = (kind for kind in order if self.present and fits[kind] == self.present)
        nearly = (kind for kind in order if self.present and fits[kind] >= (1 - tolerance) * self.present)
        return next(whole, None) or next(nearly, None)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a column that is read as `kind`; minimum, maximum, mean and deviation are of numbers alone.

    `values` has every value with its count, the most frequent first, where there are few. `misfits` cells are not of
    the kind. `shapes` has the share of present cells of each shape of text.
    """

    name: str
    kind: ColumnType
    rows: int
    missing: int
    misfits: int = 0
    distinct: int = 0
    minimum: Any = None
    maximum: Any = None
    deviation: float = 0.0
    whole: bool = False
    grows: bool = False
    length: float = 0.0
    values: tuple[tuple[str, int], ...] = ()
    shapes: Mapping[str, float] = field(default_factory=dict)

    @property
    def present(self) -> int:
        return self.rows - self.missing - self.misfits


def texts(table: Table) -> dict[str, Texts]:
    """The columns of text by name: what their cells could be."""
    fits = [f"count({value('there_{}', kind)})" for kind in KINDS]
    asked = ["count(there_{})", "count({})", ZEROS, *fits, f"count({value('there_{}', ColumnType.FLOAT, ',')})"]
    cells = ("{}", f"CASE WHEN {{}} NOT IN ({quoted(MARKERS)}) THEN {{}} END AS there_{{}}")
    found = {}
    for one, (present, filled, zeros, *kinds, comma) in table.each(_texts(table), asked, cells):
        seen = {**dict.fromkeys(MARKERS, 0), **(_markers(table, one) if filled > present else {})}
        seen[""] += table.rows - filled
        found[one.name] = Texts(present, seen, dict(zip(KINDS, kinds, strict=True)), comma, zeros)
    return found


def _markers(table: Table, one: Field) -> dict[str, int]:
    query = f"SELECT {one.sql}, count(*) FROM rows WHERE {one.sql} IN ({quoted(MARKERS)}) GROUP BY 1"
    return {str(marker): rows for marker, rows in table.ask(query)}


def _texts(table: Table) -> list[Field]:
    return [field for field in table.fields if field.is_text]


def value(cell: str, kind: ColumnType, decimal: str = ".", physical: str = "VARCHAR") -> str:
    """SQL for a cell in the type of a contract's column, exactly as the gate reads it."""
    column = Column("", kind)
    return stored(typed(cell, Cell(column, cell, physical, decimal)), column)


def gather(table: Table, one: Field, kind: ColumnType, missing: Sequence[str], decimal: str) -> Evidence:
    """Everything about one column, read as this kind with these missing markers."""
    there = one.sql
    if one.is_text:
        there = f"CASE WHEN {one.sql} NOT IN ({quoted(['', *missing])}) THEN {one.sql} END"
    elif one.physical in {"FLOAT", "DOUBLE"}:
        there = f"CASE WHEN NOT isnan({one.sql}) THEN {one.sql} END"
    read = value("c", kind, decimal, one.physical)
    relation = f"(SELECT c, {read} AS v, {ROW} FROM (SELECT {there} AS c, {ROW} FROM rows))"
    present, fitting, distinct, *more = table.row(f"SELECT {', '.join((*_COUNTS, *_asked(kind)))} FROM {relation}")
    evidence = Evidence(one.name, kind, table.rows, table.rows - present, present - fitting, distinct)
    if distinct <= FEW:
        evidence = replace(evidence, **_values(table, relation))
    return replace(evidence, **_told(kind, more, evidence, table, relation))


def _asked(kind: ColumnType) -> tuple[str, ...]:
    """What else is asked of a column of this kind, in the same pass."""
    if kind in NUMERIC:
        return _NUMBERS
    if kind is ColumnType.TIMESTAMP:
        return _NUMBERS[:2]
    if kind is ColumnType.BOOLEAN:
        return ()
    patterns = (*_SHAPES.values(), *_DATES.values())
    return (_LENGTH, *(f"count_if(regexp_matches(v, {quoted([pattern])}))" for pattern in patterns))


def _told(kind: ColumnType, found: Sequence[Any], evidence: Evidence, table: Table, relation: str) -> dict[str, Any]:
    if kind in NUMERIC:
        low, high, deviation, whole = found
        grows = evidence.distinct >= _ALL_DIFFER * evidence.present and _grows(table, relation)
        return {"minimum": low, "maximum": high, "deviation": deviation, "whole": whole, "grows": grows}
    if kind is ColumnType.TIMESTAMP:
        return {"minimum": found[0], "maximum": found[1]}
    if not found:
        return {}
    length, *counts = found
    shapes = zip((*_SHAPES, *_DATES), counts, strict=True)
    return {"length": length, "shapes": {n: c / evidence.present for n, c in shapes} if evidence.present else {}}


def _values(table: Table, relation: str) -> dict[str, Any]:
    query = f"SELECT CAST(v AS VARCHAR), count(*) FROM {relation} WHERE v IS NOT NULL GROUP BY v ORDER BY 2 DESC, 1"
    counted = tuple(table.ask(query))
    return {"values": counted, "distinct": len(counted)}


def _grows(table: Table, relation: str) -> bool:
    """Whether each number lies above the one before it."""
    before = f"SELECT v, lag(v) OVER (ORDER BY {ROW}) AS earlier FROM {relation}"
    (grows,) = table.row(f"SELECT coalesce(bool_and(v > earlier), false) FROM ({before}) WHERE earlier IS NOT NULL")
    return bool(grows)


def date_order(evidence: Evidence) -> str:
    """The order of day, month and year in which nearly all texts are dates; empty where they are none."""
    return next((name for name in _DATES if evidence.shapes.get(name, 0) >= 0.95), "")


def is_unique(table: Table, fields: Sequence[Field]) -> bool:
    """Whether no two rows share the values of these columns, and none of them is missing."""
    together = ", ".join(field.sql for field in fields)
    whole = " AND ".join(f"{field.sql} IS NOT NULL" for field in fields)
    query = f"SELECT count(*) FROM (SELECT DISTINCT {together} FROM rows WHERE {whole})"
    return bool(table.row(query)[0] == table.rows)


def repeated(table: Table, fields: Sequence[Field]) -> Iterator[int]:
    """The first two rows that share these columns' values."""
    together = ", ".join(field.sql for field in fields)
    query = (
        f"SELECT min({ROW}), max({ROW}) FROM (SELECT * FROM rows ORDER BY {ROW}) GROUP BY {together} "
        f"HAVING count(*) > 1 ORDER BY 1 LIMIT 1"
    )
    yield from (row for pair in table.ask(query) for row in pair)


def is_renaming(table: Table, column: str, target: str) -> bool:
    """Whether each value of the one stands for one value of the other, and the other way round, in all rows."""
    one, other = (next(field.sql for field in table.fields if field.name == name) for name in (column, target))
    pairs = f"(SELECT DISTINCT {one} AS a, {other} AS b FROM rows)"
    return bool(table.row(f"SELECT count(*) = count(DISTINCT a) AND count(*) = count(DISTINCT b) FROM {pairs}")[0])
