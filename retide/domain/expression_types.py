"""What each operator and function of a rule may be applied to, and what it then gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from retide.domain.expression import NUMBERS, Kind, Literal, Operation, Tree

DIGITS: Final = 15  # no double has more

type Sides = Sequence[Tree]


class Mismatch(ValueError):
    """An operation that makes no sense of what it is given; the text says what it needs."""


def arithmetic(name: str, given: Sides) -> Operation:
    _all(name, given, NUMBERS, "numbers")
    return Operation(name, tuple(map(_float, given)), Kind.FLOAT)


def negate(given: Tree) -> Tree:
    """A negative number is one, so that the smallest whole number can be written."""
    _all("-", [given], NUMBERS, "numbers")
    if isinstance(given, Literal) and isinstance(given.value, int | float):
        return number(-given.value)
    return Operation("negate", (_float(given),), Kind.FLOAT)


def number(value: float) -> Literal:
    """Of more digits than 64 bits hold, a whole number is a number like any other."""
    whole = isinstance(value, int) and -(2**63) <= value < 2**63
    return Literal(value, Kind.INTEGER) if whole else Literal(float(value), Kind.FLOAT)


def comparison(name: str, given: Sides) -> Operation:
    """Operands of one kind; of true and false, only whether they are equal."""
    if given[0].kind is Kind.BOOLEAN and name not in {"=", "!=", "in"}:
        raise Mismatch(f"`{name}` has no meaning for true and false")
    return Operation(name, _alike(name, given), Kind.BOOLEAN)


def logic(name: str, given: Sides) -> Operation:
    _all(name, given, frozenset({Kind.BOOLEAN}), "conditions, such as a comparison")
    return Operation(name, tuple(given), Kind.BOOLEAN)


def is_null(given: Tree) -> Operation:
    return Operation("is null", (given,), Kind.BOOLEAN)


def call(name: str, given: Sides) -> Operation:
    least, most, typed = FUNCTIONS[name]
    if not least <= len(given) <= most:
        wanted = f"{least}" if least == most else f"{least} or more" if most > DIGITS else f"{least} or {most}"
        raise Mismatch(f"{name}() takes {wanted} value{'' if wanted == '1' else 's'} in its brackets, not {len(given)}")
    return typed(name, given)


def _choice(name: str, given: Sides) -> Operation:
    if name != "coalesce" and given[0].kind is Kind.BOOLEAN:
        raise Mismatch(f"{name}() has no meaning for true and false")
    chosen = _alike(f"{name}()", given)
    return Operation(name, chosen, chosen[0].kind)


def _absolute(name: str, given: Sides) -> Operation:
    return arithmetic(name, given)


def _round(name: str, given: Sides) -> Operation:
    digits = given[1] if len(given) > 1 else number(0)
    value = digits.value if isinstance(digits, Literal) and digits.kind is Kind.INTEGER else None
    if not isinstance(value, int) or not 0 <= value <= DIGITS:
        raise Mismatch(f"the digits of round() must be written out, 0 to {DIGITS}")
    _all("round()", given[:1], NUMBERS, "a number")
    places = Literal(value, Kind.INTEGER)
    return Operation(name, (_float(given[0]), places), Kind.FLOAT)


def _text(result: Kind) -> Callable[[str, Sides], Operation]:
    return _function(Kind.TEXT, result)


def _time(result: Kind) -> Callable[[str, Sides], Operation]:
    return _function(Kind.TIMESTAMP, result)


def _function(takes: Kind, result: Kind) -> Callable[[str, Sides], Operation]:
    def typed(name: str, given: Sides) -> Operation:
        _all(f"{name}()", given, frozenset({takes}), takes.value)
        return Operation(name, tuple(given), result)

    return typed


FUNCTIONS: Final[Mapping[str, tuple[int, int, Callable[[str, Sides], Operation]]]] = {
    "abs": (1, 1, _absolute),
    "round": (1, 2, _round),
    "least": (2, 100, _choice),
    "greatest": (2, 100, _choice),
    "coalesce": (2, 100, _choice),
    "length": (1, 1, _text(Kind.INTEGER)),
    "lower": (1, 1, _text(Kind.TEXT)),
    "upper": (1, 1, _text(Kind.TEXT)),
    "year": (1, 1, _time(Kind.INTEGER)),
    "month": (1, 1, _time(Kind.INTEGER)),
    "day": (1, 1, _time(Kind.INTEGER)),
    "days_between": (2, 2, _time(Kind.FLOAT)),
}


def _all(name: str, given: Sides, allowed: frozenset[Kind], wanted: str) -> None:
    for side in given:
        if side.kind not in allowed:
            raise Mismatch(f"`{name}` needs {wanted}, and this is {side.kind}")


def _alike(name: str, given: Sides) -> tuple[Tree, ...]:
    """All of one kind; where one is a number with a fraction, all are."""
    kinds = {side.kind for side in given}
    if kinds == NUMBERS:
        return tuple(map(_float, given))
    if len(kinds) > 1:
        first, other = given[0].kind, next(side.kind for side in given if side.kind is not given[0].kind)
        raise Mismatch(f"`{name}` cannot compare {first} with {other}")
    return tuple(given)


def _float(side: Tree) -> Tree:
    if side.kind is Kind.FLOAT:
        return side
    if isinstance(side, Literal) and isinstance(side.value, int):
        return Literal(float(side.value), Kind.FLOAT)
    return Operation("float", (side,), Kind.FLOAT)
