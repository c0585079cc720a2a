"""Read the rule of a check: a small language over the columns of one row, and nothing that is not in its grammar."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final

from retide.domain import expression_types as types
from retide.domain.expression import Kind, Literal, Operation, Reference, Tree
from retide.domain.expression_tokens import ExpressionError, Sort, Token, tokens
from retide.domain.names import nearest

DEEPEST: Final = 25  # brackets and negations within each other
COMPARISONS: Final[Mapping[str, str]] = {sign: sign for sign in ("=", "!=", "<", "<=", ">", ">=")} | {"<>": "!="}
RESERVED: Final = frozenset({"and", "or", "not", "in", "between", "is", "null", "true", "false"})
NO_NULL: Final = "nothing is equal to null: write `is null` or `is not null`"


def parse_expression(text: str, columns: Mapping[str, Kind]) -> Tree:
    """The condition that `text` says over `columns`; raises ExpressionError with the place of what is wrong."""
    parser = _Parser(tokens(text), columns)
    return parser.whole()


class _Parser:
    """Recursive descent: a method for each level of precedence, the loosest first."""

    def __init__(self, found: list[Token], columns: Mapping[str, Kind]) -> None:
        self._tokens = found
        self._place = 0
        self._depth = 0
        self._columns = columns

    def whole(self) -> Tree:
        tree = self._or()
        if self._now.sort is not Sort.END:
            raise ExpressionError(f"{self._now} does not belong here{self._hint()}", self._now.position)
        if tree.kind is not Kind.BOOLEAN:
            raise ExpressionError(f"a rule says what must hold, and this is {tree.kind}: compare it with something", 0)
        return tree

    def _hint(self) -> str:
        if self._now.key in COMPARISONS:
            return "; join two comparisons with `and`"
        known = nearest(self._now.key, ("and", "or", "in", "between", "is"))
        return f"; did you mean `{known}`?" if known else ""

    def _or(self) -> Tree:
        return self._chain(self._and, types.logic, "or")

    def _and(self) -> Tree:
        return self._chain(self._not, types.logic, "and")

    def _not(self) -> Tree:
        if not (token := self._take("not")):
            return self._comparison()
        return self._deeper(token, lambda: self._typed(token, lambda side: types.logic("not", [side]), self._not()))

    def _comparison(self) -> Tree:
        left = self._sum()
        if sign := self._take(*COMPARISONS):
            right = self._sum()
            return self._typed(sign, lambda *sides: types.comparison(COMPARISONS[sign.text], sides), left, right)
        if self._take("is"):
            return self._is(left)
        negated = self._now.key == "not" and self._tokens[self._place + 1].key in {"in", "between"}
        if negated:
            self._place += 1
        if token := self._take("between"):
            return _not_if(negated, self._range(token, left))
        if token := self._take("in"):
            return _not_if(negated, self._set(token, left))
        return left

    def _is(self, left: Tree) -> Tree:
        negated = bool(self._take("not"))
        self._expect("null")
        return _not_if(negated, types.is_null(left))

    def _range(self, token: Token, left: Tree) -> Tree:
        low = self._sum()
        self._expect("and")
        return self._typed(token, lambda *sides: types.comparison("between", sides), left, low, self._sum())

    def _set(self, token: Token, left: Tree) -> Tree:
        self._expect("(")
        return self._typed(token, lambda *sides: types.comparison("in", sides), left, *self._list())

    def _sum(self) -> Tree:
        return self._chain(self._product, types.arithmetic, "+", "-")

    def _product(self) -> Tree:
        return self._chain(self._signed, types.arithmetic, "*", "/", "%")

    def _signed(self) -> Tree:
        if not (token := self._take("-")):
            return self._primary()
        return self._deeper(token, lambda: self._typed(token, types.negate, self._signed()))

    def _primary(self) -> Tree:
        token = self._now
        self._place += 1
        match token.sort:
            case Sort.NUMBER:
                return _number(token)
            case Sort.TEXT:
                return Literal(token.text, Kind.TEXT)
            case Sort.TIMESTAMP:
                return _timestamp(token)
            case Sort.COLUMN:
                return self._column(token)
            case Sort.WORD if token.key not in RESERVED:
                return self._call(token) if self._take("(") else self._column(token)
        return self._constant(token)

    def _constant(self, token: Token) -> Tree:
        if token.key in {"true", "false"}:
            return Literal(token.key == "true", Kind.BOOLEAN)
        if token.key == "(":
            inner = self._deeper(token, self._or)
            self._expect(")")
            return inner
        if token.key == "null":
            raise ExpressionError(NO_NULL, token.position)
        wanted = "a column, a number, a text in single quotes or a bracket is missing before "
        raise ExpressionError(f"{wanted}{'the ' if token.sort is Sort.END else ''}{token}", token.position)

    def _call(self, token: Token) -> Tree:
        if token.key not in types.FUNCTIONS:
            near = nearest(token.key, types.FUNCTIONS)
            known = f"did you mean {near}()?" if near else f"known are {', '.join(types.FUNCTIONS)}"
            raise ExpressionError(f"there is no function {token.text}(); {known}", token.position)
        return self._deeper(
            token, lambda: self._typed(token, lambda *sides: types.call(token.key, sides), *self._list())
        )

    def _column(self, token: Token) -> Tree:
        if token.text in self._columns:
            return Reference(token.text, self._columns[token.text])
        near = nearest(token.text, self._columns)
        hint = f"; did you mean {near!r}?" if near else "; texts stand in single quotes"
        raise ExpressionError(f"{token.text!r} is not one of the columns{hint}", token.position)

    def _list(self) -> list[Tree]:
        """What stands up to the closing bracket, separated by commas."""
        found = [self._or()]
        while self._take(","):
            found.append(self._or())
        self._expect(")")
        return found

    def _chain(self, level: Callable[[], Tree], typed: Callable[[str, tuple[Tree, Tree]], Tree], *keys: str) -> Tree:
        left = level()
        while sign := self._take(*keys):
            name = sign.key
            left = self._typed(sign, lambda *sides, name=name: typed(name, sides), left, level())
        return left

    def _typed(self, token: Token, build: Callable[..., Tree], *sides: Tree) -> Tree:
        try:
            return build(*sides)
        except types.Mismatch as error:
            raise ExpressionError(str(error), token.position) from None

    def _deeper(self, token: Token, read: Callable[[], Tree]) -> Tree:
        self._depth += 1
        if self._depth > DEEPEST:
            raise ExpressionError(f"is nested more than {DEEPEST} deep; make several checks of it", token.position)
        tree = read()
        self._depth -= 1
        return tree

    @property
    def _now(self) -> Token:
        return self._tokens[self._place]

    def _take(self, *keys: str) -> Token | None:
        token = self._now
        if token.key not in keys:
            return None
        self._place += 1
        return token

    def _expect(self, key: str) -> None:
        if not self._take(key):
            place = self._now
            raise ExpressionError(
                f"`{key}` is missing before {'the ' if not place.text else ''}{place}", place.position
            )


def _not_if(negated: bool, tree: Tree) -> Tree:
    return Operation("not", (tree,), Kind.BOOLEAN) if negated else tree


def _number(token: Token) -> Tree:
    value = int(token.text) if token.text.isdigit() else float(token.text)
    if value > 1.7e308 or not math.isfinite(value):
        raise ExpressionError("this number is too large", token.position)
    return types.number(value)


def _timestamp(token: Token) -> Tree:
    try:
        value = datetime.fromisoformat(token.text)
        utc = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
    except (ValueError, OverflowError):
        form = "t'2026-01-31' or t'2026-01-31T12:00:00Z' (UTC where no offset is given)"
        raise ExpressionError(f"{token.text!r} is no time; write {form}", token.position) from None
    return Literal(utc, Kind.TIMESTAMP)
