"""A rule over the columns of one row as a typed tree, and the SQL that says the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """What an expression gives. Integers are compared exactly; every calculation is one in 64-bit floating point."""

    INTEGER = "a whole number"
    FLOAT = "a number"
    TEXT = "text"
    TIMESTAMP = "a timestamp"
    BOOLEAN = "true or false"


NUMBERS: Final = frozenset({Kind.INTEGER, Kind.FLOAT})


@dataclass(frozen=True, slots=True)
class Literal:
    """A timestamp is without a zone, in UTC."""

    value: int | float | str | bool | datetime
    kind: Kind


@dataclass(frozen=True, slots=True)
class Reference:
    """The value of a column in the row."""

    column: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Operation:
    """An operator or a function of `SQL`, and what it is applied to."""

    name: str
    arguments: tuple[Tree, ...]
    kind: Kind


type Tree = Literal | Reference | Operation

_DAY: Final = "86400000000e0"  # in microseconds

# What is missing makes the result missing, but for `and`, `or`, `is null`, `least`, `greatest`, `coalesce`: as in SQL.
# Nothing here can fail on any value: a division by zero is missing, and what could overflow is computed as DOUBLE.
SQL: Final[dict[str, str]] = {
    "float": "CAST({0} AS DOUBLE)",
    "negate": "(-{0})",
    "+": "({0} + {1})",
    "-": "({0} - {1})",
    "*": "({0} * {1})",
    "/": "({0} / nullif({1}, 0))",
    "%": "({0} % nullif({1}, 0))",
    "=": "({0} = {1})",
    "!=": "({0} <> {1})",
    "<": "({0} < {1})",
    "<=": "({0} <= {1})",
    ">": "({0} > {1})",
    ">=": "({0} >= {1})",
    "and": "({0} AND {1})",
    "or": "({0} OR {1})",
    "not": "(NOT {0})",
    "in": "({0} IN ({rest}))",
    "between": "({0} >= {1} AND {0} <= {2})",
    "is null": "({0} IS NULL)",
    "abs": "abs({0})",
    "round": "round({0}, CAST({1} AS INTEGER))",
    "least": "least({all})",
    "greatest": "greatest({all})",
    "coalesce": "coalesce({all})",
    "length": "CAST(length({0}) AS BIGINT)",
    "lower": "lower({0})",
    "upper": "upper({0})",
    "year": "CAST(year({0}) AS BIGINT)",
    "month": "CAST(month({0}) AS BIGINT)",
    "day": "CAST(day({0}) AS BIGINT)",
    "days_between": f"((CAST(epoch_us({{1}}) AS DOUBLE) - CAST(epoch_us({{0}}) AS DOUBLE)) / {_DAY})",
}


def compile_sql(tree: Tree, quote: Callable[[str], str]) -> str:
    """SQL for DuckDB over columns of BIGINT, DOUBLE, VARCHAR, BOOLEAN and TIMESTAMP; `quote` makes a name of a column.

    Texts are quoted, names are the contract's own, and operators come from a table: nothing of the rule's text is
    passed on.
    """
    match tree:
        case Literal():
            return _literal(tree)
        case Reference():
            return quote(tree.column)
        case Operation():
            given = [compile_sql(argument, quote) for argument in tree.arguments]
            return SQL[tree.name].format(*given, all=", ".join(given), rest=", ".join(given[1:]))


def _literal(literal: Literal) -> str:
    match literal.value:
        case bool(value):
            return str(value).lower()
        case int(value):
            return f"CAST('{value}' AS BIGINT)"
        case float(value):
            return f"CAST('{value!r}' AS DOUBLE)"
        case datetime() as value:
            return f"TIMESTAMP '{value.isoformat(sep=' ', timespec='microseconds')}'"
        case str(value):
            return "'" + value.replace("'", "''") + "'"


def columns(tree: Tree) -> tuple[str, ...]:
    """The columns that a rule reads, each once, in the order of the rule."""
    return tuple(dict.fromkeys(_references(tree)))


def _references(tree: Tree) -> Iterator[str]:
    if isinstance(tree, Reference):
        yield tree.column
    elif isinstance(tree, Operation):
        for argument in tree.arguments:
            yield from _references(argument)
