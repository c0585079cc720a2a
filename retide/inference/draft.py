"""Draft a whole contract: its columns by their evidence, what tells rows apart and what orders them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Final

from retide.domain.contract import NUMERIC, PERIOD, Column, ColumnType, Contract, Policy, Task
from retide.domain.contract_parts import MISSING
from retide.domain.formats import Decimal
from retide.inference.errors import CannotInfer
from retide.inference.evidence import KINDS, MARKERS, SURELY, Evidence, Texts, gather, is_unique, repeated, texts
from retide.inference.goal import goal
from retide.inference.guess import IDENTIFIER, Guess, guess, is_boolean
from retide.inference.table import Field, Table
from retide.inference.wording import counted, percent

TOLERANCE: Final = 0.01  # a number column may have so large a share of cells that are none: such rows are taken out
FAIR: Final = re.compile(r"(^|_)(sex|gender|race|ethnic(ity)?|age_?group|region|country|site)(_|$)", re.IGNORECASE)
SEGMENTS: Final = range(2, 9)
SEGMENT_ROWS: Final = 100
PERIODS: Final = 10  # of a split by time, that a file spans at least
_INTEGERS: Final = re.compile(r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?")
_FLOATS: Final = re.compile(r"FLOAT|DOUBLE|DECIMAL.*")


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a person says of the file; `id` and `columns` are empty, and `task` None, where it is left to the data."""

    target: str
    model: str
    task: Task | None = None
    id: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """A contract, the evidence for each of its lines, and what the file could not tell (`asks`)."""

    contract: Contract
    guesses: tuple[Guess, ...]
    why: dict[str, str]
    asks: tuple[str, ...]
    rows: int
    left_out: tuple[str, ...] = ()


def draft(table: Table, wishes: Wishes) -> Draft:
    """Raises CannotInfer where the wishes and the file do not fit."""
    _check_names(table, wishes)
    seen = texts(table)
    dress = table.dress.with_decimal(_decimal(table, seen))
    missing = _missing(seen, dress.format.decimal)
    evidence = [_evidence(table, one, seen.get(one.name), missing, dress.format.decimal) for one in table.fields]
    asks = [ask for one in evidence for ask in _marker_asks(one, seen.get(one.name), missing)]
    guesses = {one.name: guess(one) for one in evidence}
    found = goal(_open_target(guesses[wishes.target], evidence), wishes.task)
    guesses[wishes.target] = found.target
    ids, id_why = _id(table, guesses, wishes)
    guesses |= {name: _as_id(guesses[name]) for name in ids}
    columns = tuple(one.column for one in guesses.values())
    contract = Contract(
        wishes.model, found.task, wishes.target, columns, found.metric, id=ids, missing=missing, format=dress.format
    )
    why = {**found.why, "id": id_why}
    more = (*dress.guessed, *asks, *found.asks, *(ask for one in guesses.values() for ask in one.asks))
    return _judged_apart(Draft(contract, tuple(guesses.values()), why, more, table.rows, table.left_out))


def _judged_apart(found: Draft) -> Draft:
    """With what follows from the columns: their order in time, the groups that are judged, the rows that are needed."""
    if not found.contract.features:
        raise CannotInfer("no column is left to learn from: they are empty, constant, sensitive or free text")
    apart = (found.contract.target, *found.contract.id)
    guesses = [one for one in found.guesses if one.name not in apart]
    event_time, time_why = _event_time(guesses)
    segments, segment_why = _segments(guesses)
    policy = Policy(min_rows=min(50, max(10, found.rows // 2)))
    days, days_why = _holdout_days(next((one for one in guesses if one.name == event_time), None))
    contract = replace(found.contract, event_time=event_time, segments=segments, policy=policy, holdout_days=days)
    why = {"event_time": time_why, "segments": segment_why, "holdout_days": days_why}
    return replace(found, contract=contract, why={**found.why, **why})


def _check_names(table: Table, wishes: Wishes) -> None:
    known = [one.name for one in table.fields]
    for option, names in (("--target", (wishes.target,)), ("--id", wishes.id)):
        for name in names:
            if name not in known:
                close = get_close_matches(name, known, n=1)
                hint = f"did you mean {close[0]!r}?" if close else f"its columns are {', '.join(known[:12])}"
                raise CannotInfer(f"{option}: there is no column {name!r}; {hint}{' …' if len(known) > 12 else ''}")
    if wishes.target in wishes.id:
        raise CannotInfer(f"{wishes.target!r} cannot be the target and the id")
    if len(known) < 2:
        raise CannotInfer("it has one column only: there is nothing to foretell the target from")


def _decimal(table: Table, seen: dict[str, Texts]) -> Decimal:
    """The comma where some column holds numbers with it and none needs the point."""
    if table.dress.delimiter == "," or table.is_parquet:
        return Decimal.POINT
    full = [one for one in seen.values() if one.present and one.fits[ColumnType.INTEGER] < one.present]
    comma = any(one.comma >= (1 - TOLERANCE) * one.present for one in full)
    point = any(one.fits[ColumnType.FLOAT] >= (1 - TOLERANCE) * one.present for one in full)
    return Decimal.COMMA if comma and not point else Decimal.POINT


def _missing(seen: dict[str, Texts], decimal: Decimal) -> tuple[str, ...]:
    """The texts that no word can be, and those that stand among numbers and times."""
    found = dict.fromkeys(MISSING)
    for one in seen.values():
        among = one.kind(decimal, TOLERANCE) is not None
        found |= dict.fromkeys(m for m in MARKERS if one.markers[m] and (m in SURELY or among))
    return tuple(found)


def _evidence(table: Table, one: Field, seen: Texts | None, missing: tuple[str, ...], decimal: Decimal) -> Evidence:
    if seen is None:
        return gather(table, one, _physical(one), missing, decimal)
    kind = _kind(seen, decimal, typed=table.is_parquet)
    found = gather(table, one, kind, missing, decimal)
    if kind is ColumnType.CATEGORY and is_boolean(found) and not table.is_parquet:
        return gather(table, one, ColumnType.BOOLEAN, missing, decimal)
    return found


def _physical(one: Field) -> ColumnType:
    if one.physical == "BOOLEAN":
        return ColumnType.BOOLEAN
    if _INTEGERS.fullmatch(one.physical):
        return ColumnType.INTEGER
    return ColumnType.FLOAT if _FLOATS.fullmatch(one.physical) else ColumnType.TIMESTAMP


def _kind(seen: Texts, decimal: Decimal, *, typed: bool) -> ColumnType:
    """Numbers written with a zero that they do not need are codes; text in Parquet is never a number."""
    kind = seen.kind(decimal, TOLERANCE)
    if typed and kind is not ColumnType.TIMESTAMP:
        return ColumnType.CATEGORY
    if kind in NUMERIC and seen.zeros:
        return ColumnType.CATEGORY
    return kind if kind in KINDS else ColumnType.CATEGORY


def _marker_asks(one: Evidence, seen: Texts | None, missing: tuple[str, ...]) -> Iterator[str]:
    if seen is None:
        return
    for marker in MARKERS:
        if seen.markers[marker] and marker not in missing:
            rows = counted(seen.markers[marker], "row")
            yield f"{one.name}: {marker!r} in {rows} is taken for a value; add it to `missing` if it is none"
    if seen.markers["NA"] and one.values and all(len(value) == 2 for value, _ in one.values):
        yield f"{one.name}: NA is read as missing; if these are countries, take NA out of `missing` (Namibia)"


def _open_target(target: Guess, evidence: Sequence[Evidence]) -> Guess:
    """The target is judged by what it holds, whatever its name sounds like."""
    if not target.column.pii:
        return target
    own = next(one for one in evidence if one.name == target.name)
    return Guess(Column(target.name, own.kind), "", own)


def _id(table: Table, guesses: dict[str, Guess], wishes: Wishes) -> tuple[tuple[str, ...], str]:
    fields = {one.name: one for one in table.fields}
    if wishes.id:
        _check_id(table, [fields[name] for name in wishes.id], wishes.id)
        return wishes.id, "as asked; in no two rows the same"
    for name, one in guesses.items():
        whole = not one.evidence.missing and one.column.type in {
            ColumnType.STRING,
            ColumnType.INTEGER,
            ColumnType.CATEGORY,
        }
        named = IDENTIFIER.search(name) or one.evidence.shapes.get("uuids", 0) == 1
        if name != wishes.target and whole and named and is_unique(table, [fields[name]]):
            return (name,), f"never missing and different in all {table.rows:,} rows"
    return (), "no column is named like an identifier and different in every row: rows are told apart by their content"


def _check_id(table: Table, fields: list[Field], names: tuple[str, ...]) -> None:
    if is_unique(table, fields):
        return
    rows = list(repeated(table, fields))
    same = f"rows {rows[0]:,} and {rows[1]:,} have the same" if rows else "some rows have none"
    raise CannotInfer(f"--id {','.join(names)} does not tell rows apart: {same}; name more columns, or none")


def _as_id(one: Guess) -> Guess:
    """Kept as it is written, without a range or a set: new rows bring new ones."""
    kind = one.column.type if one.column.type is ColumnType.INTEGER else ColumnType.STRING
    column = Column(one.name, kind, pii=one.column.pii)
    why = "tells rows apart" if not one.column.pii else f"tells rows apart; {one.why}"
    return replace(one, column=column, why=why, asks=())


def _event_time(guesses: Sequence[Guess]) -> tuple[str | None, str]:
    times = [one for one in guesses if one.column.type is ColumnType.TIMESTAMP and not one.column.pii]
    whole = [one for one in times if not one.evidence.missing]
    if not times:
        return None, "no column holds times like 2026-01-31T12:00:00Z"
    if not whole:
        return None, f"{times[0].name} has gaps: rows without a time cannot be ordered"
    named = sorted(whole, key=lambda one: not re.search("event|time|date|created|_at$|_ts$", one.name, re.IGNORECASE))
    why = "a time in every row" if len(whole) == 1 else f"one of {len(whole)} columns with a time in every row"
    return named[0].name, why


def _holdout_days(time: Guess | None) -> tuple[int | None, str]:
    """Rows are held out by their event time, but for files of so few days that a part may hold none of them."""
    if time is None:
        return None, ""
    span = (time.evidence.maximum - time.evidence.minimum).days
    if span >= PERIODS * PERIOD:
        return None, ""
    return (
        0,
        f"rows by their hash: the file spans {counted(span, 'day')}, too few to hold out whole ones of each {PERIOD}",
    )


def _segments(guesses: Sequence[Guess]) -> tuple[tuple[str, ...], str]:
    """Groups of people or places that no model may fail; others are only suggested."""
    able = [one for one in guesses if _can_part(one)]
    fair = tuple(one.name for one in able if FAIR.search(one.name))[:2]
    if fair:
        return fair, "no new model may be worse for one of these groups"
    others = ", ".join(one.name for one in able[:4])
    return (), f"could be judged by group: {others}" if others else "no column with a few groups of enough rows"


def _can_part(one: Guess) -> bool:
    groups = [count for _, count in one.evidence.values]
    kinds = {ColumnType.CATEGORY, ColumnType.BOOLEAN}
    return one.column.type in kinds and len(groups) in SEGMENTS and min(groups) >= SEGMENT_ROWS


def in_part(found: Draft, share: float, said: str) -> Draft:
    """The same, with rows taken out that break its rules: a few of this file's do."""
    policy = replace(found.contract.policy, reject_rows=share)
    contract = replace(found.contract, policy=policy)
    why = {**found.why, "reject_rows": f"{said}; rows that break a rule are taken out alone, up to {percent(share)}"}
    return replace(found, contract=contract, why=why)
