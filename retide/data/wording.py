"""Say in words a person can act on what is wrong with rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from retide.data import cells
from retide.data.findings import counted, examples, listed, mend
from retide.data.rules import Rule
from retide.data.shape import Ragged
from retide.data.uniqueness import Repeats
from retide.domain.contract import NUMERIC, Column, Contract
from retide.domain.contract_parts import Unique
from retide.domain.severity import CHECK, Severity
from retide.domain.verdict import Example, Finding

HIDDEN: Final = "(hidden)"
type Shown = Sequence[tuple[int, str | None]]


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule that `count` rows break, the first of them with their values as they stand in the file."""

    contract: Contract
    rule: Rule
    count: int
    first: Shown

    def finding(self) -> Finding:
        expected, seen, advice = self._check() if self.rule.rule.startswith(CHECK) else self._column()
        shown = _examples(self.first, self.rule.columns, self.contract)
        seen = f"{counted(self.count, 'row')} {seen}"
        return Finding(self.rule.rule, self.rule.subject, expected, seen, advice, self.count, shown, self.rule.severity)

    def _column(self) -> tuple[str, str, str]:
        column = self.contract.column(self.rule.subject)
        match self.rule.rule:
            case "type":
                return cells.WANTED[column.type], "with something else", self._advise(column)
            case "required":
                return "a value in every row", "without one", self._fill_in()
            case "range":
                return _range(column), "outside", f"Check the unit and the decimal point. {self._mend(column)}"
            case "pattern":
                return f"text that matches {column.pattern} as a whole", "that does not", self._mend(column)
            case _:
                return self._values(column)

    def _values(self, column: Column) -> tuple[str, str, str]:
        expected = f"one of {listed(list(column.values), 30)}"
        if not column.open:
            return expected, "with another value", self._mend(column)
        advice = "They are accepted as they are. Add them to `values` in the contract if they are right."
        return expected, "with a new value", advice

    def _check(self) -> tuple[str, str, str]:
        check = next(check for check in self.contract.checks if check.name == self.rule.subject)
        return check.rule, "where it does not hold", check.advice or mend("rows", self.rule.severity)

    def _advise(self, column: Column) -> str:
        if column.type in NUMERIC and all("," in (value or "") for _, value in self.first):
            return "Write numbers with a decimal point and without thousands separators."
        return self._mend(column)

    def _mend(self, column: Column) -> str:
        return mend("values", self.rule.severity, nullable=column.nullable)

    def _fill_in(self) -> str:
        if self.rule.severity is Severity.QUARANTINE:
            return "They were left out. Fill them in, then send these rows again, as a file of their own."
        return "Fill them in, or leave these rows out."


def repeated(found: Repeats, contract: Contract, ragged: Ragged) -> Finding:
    label = found.unique.label
    noun = "id" if found.unique.columns == contract.id else "value" if len(found.unique.columns) == 1 else "combination"
    first = [(ragged.number(row), f"{value} ({times} times)") for row, value, times in found.first]
    seen = f"{counted(found.keys, noun)} in {counted(found.rows, 'row')}"
    advice = f"Keep one row for each {noun}; a later file may bring a newer one."
    shown = _examples(first, found.unique.columns, contract)
    severity = contract.severity("unique", label)
    return Finding("unique", label, f"each {noun} once in a file", seen, advice, found.rows, shown, severity)


def said_before(
    unique: Unique, count: int, first: Sequence[tuple[int, str]], contract: Contract, ragged: Ragged
) -> Finding:
    expected = "values that are in no other row, also in the objects accepted before"
    seen = f"{counted(count, 'row')} with what an earlier object has"
    advice = "Leave these rows out; they are in already. If they are corrections, the contract must not forbid them."
    shown = _examples([(ragged.number(row), value) for row, value in first], unique.columns, contract)
    severity = contract.severity("unique", unique.label)
    return Finding("unique", unique.label, expected, seen, advice, count, shown, severity)


def _examples(first: Shown, columns: Sequence[str], contract: Contract) -> tuple[Example, ...]:
    if any(contract.column(column).pii for column in columns):
        return tuple(Example(row, HIDDEN) for row, _ in first)
    return examples([(row, value) for row, value in first])


def _range(column: Column) -> str:
    low, high = column.minimum, column.maximum
    if low is not None and high is not None:
        return f"{low:g} to {high:g}"
    return f"at least {low:g}" if low is not None else f"at most {high:g}"
