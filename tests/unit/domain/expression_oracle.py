"""What a rule means, computed in Python on one row: the oracle that the SQL of a rule is held to."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from retide.domain.expression import Literal, Reference, Tree

type Row = Mapping[str, Any]


def evaluate(tree: Tree, row: Row) -> Any:
    """None stands for what is missing."""
    if isinstance(tree, Literal):
        return tree.value
    if isinstance(tree, Reference):
        return row[tree.column]
    given = [evaluate(argument, row) for argument in tree.arguments]
    if tree.name in LENIENT:
        return LENIENT[tree.name](given)
    return None if None in given else STRICT[tree.name](*given)


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    """DuckDB orders numbers totally: NaN is equal to itself and larger than any other."""
    return lambda left, right: compare(_key(left), _key(right))


def _key(value: Any) -> Any:
    return (math.isnan(value), 0.0 if math.isnan(value) else value) if isinstance(value, float) else value


def _and(given: Sequence[bool | None]) -> bool | None:
    return False if False in given else None if None in given else True


def _or(given: Sequence[bool | None]) -> bool | None:
    return True if True in given else None if None in given else False


def _not(value: bool | None) -> bool | None:
    return None if value is None else not value


def _compared(compare: Callable[[Any, Any], bool], left: Any, right: Any) -> bool | None:
    return None if left is None or right is None else _ordered(compare)(left, right)


def _in(given: Sequence[Any]) -> bool | None:
    return _or([_compared(operator.eq, given[0], other) for other in given[1:]])


def _between(given: Sequence[Any]) -> bool | None:
    return _and([_compared(operator.ge, given[0], given[1]), _compared(operator.le, given[0], given[2])])


def _extreme(choose: Callable[..., Any]) -> Callable[[Sequence[Any]], Any]:
    return lambda given: choose((value for value in given if value is not None), key=_key, default=None)


def _divide(left: float, right: float) -> float | None:
    return left / right if right else None


def _modulo(left: float, right: float) -> float | None:
    if not right:
        return None
    return math.nan if math.isinf(left) or math.isnan(left) or math.isnan(right) else math.fmod(left, right)


def _round(value: float, digits: int) -> float:
    """Half away from zero, of the product as it is rounded to 64 bits."""
    scaled = value * 10.0**digits
    if not math.isfinite(scaled):
        return value
    whole = math.trunc(scaled)
    nearest = whole + math.copysign(1, scaled) if abs(scaled - whole) >= 0.5 else whole
    return float(nearest) / 10.0**digits


def _microseconds(time: datetime) -> float:
    since = time.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return float((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds)


LENIENT: Final[Mapping[str, Callable[[Sequence[Any]], Any]]] = {
    "and": _and,
    "or": _or,
    "in": _in,
    "between": _between,
    "is null": lambda given: given[0] is None,
    "coalesce": lambda given: next((value for value in given if value is not None), None),
    "least": _extreme(min),
    "greatest": _extreme(max),
}
STRICT: Final[Mapping[str, Callable[..., Any]]] = {
    "float": float,
    "negate": operator.neg,
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divide,
    "%": _modulo,
    "=": _ordered(operator.eq),
    "!=": _ordered(operator.ne),
    "<": _ordered(operator.lt),
    "<=": _ordered(operator.le),
    ">": _ordered(operator.gt),
    ">=": _ordered(operator.ge),
    "not": _not,
    "abs": abs,
    "round": _round,
    "length": len,
    "lower": str.lower,
    "upper": str.upper,
    "year": lambda time: time.year,
    "month": lambda time: time.month,
    "day": lambda time: time.day,
    "days_between": lambda start, end: (_microseconds(end) - _microseconds(start)) / 86400000000.0,
}
