"""The language of checks: what it reads, what it refuses and where, and that its SQL means what the rule says."""

from __future__ import annotations

import math
import string
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retide.domain.expression import SQL, Kind, Operation, Tree, columns, compile_sql
from retide.domain.expression_parser import parse_expression
from retide.domain.expression_tokens import LONGEST, MOST, ExpressionError
from retide.domain.expression_types import FUNCTIONS
from tests.unit.domain.expression_oracle import LENIENT, STRICT, evaluate

COLUMNS: Final = {
    "items": Kind.INTEGER,
    "paid": Kind.FLOAT,
    "shop": Kind.TEXT,
    "open": Kind.BOOLEAN,
    "ordered": Kind.TIMESTAMP,
    "delivered": Kind.TIMESTAMP,
    "it's `odd`": Kind.TEXT,
}
TYPES: Final = {
    Kind.INTEGER: "BIGINT",
    Kind.FLOAT: "DOUBLE",
    Kind.TEXT: "VARCHAR",
    Kind.BOOLEAN: "BOOLEAN",
    Kind.TIMESTAMP: "TIMESTAMP",
}
LETTERS: Final = string.ascii_letters + string.digits + " '`{}%é€日"


def at(time: str) -> datetime:
    """As rows hold it: in UTC, without saying so."""
    return datetime.fromisoformat(time)


def quote(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def read(rule: str) -> Tree:
    return parse_expression(rule, COLUMNS)


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": "1"}) as connection:
        yield connection


def in_sql(tree: Tree, row: Mapping[str, Any], database: duckdb.DuckDBPyConnection) -> Any:
    """The bound values are cast to what the columns are stored as."""
    named = ", ".join(f"CAST(? AS {TYPES[kind]}) AS {quote(name)}" for name, kind in COLUMNS.items())
    query = f"SELECT {compile_sql(tree, quote)} FROM (SELECT {named})"  # noqa: S608 - what is tested
    return database.execute(query, [row[name] for name in COLUMNS]).fetchall()[0][0]


times = st.datetimes(min_value=at("1900-01-01"), max_value=at("2200-01-01"))
texts = st.text(LETTERS, max_size=5)
whole = st.integers(-(2**63), 2**63 - 1) | st.integers(-3, 3)
numbers = st.floats(-3.4e38, 3.4e38) | st.sampled_from([0.0, -0.5, 0.5, 1.5, 2.5, 3.0])
rows = st.fixed_dictionaries(
    {
        "items": st.none() | whole,
        "paid": st.none() | numbers,
        "shop": st.none() | texts,
        "open": st.none() | st.booleans(),
        "ordered": st.none() | times,
        "delivered": st.none() | times,
        "it's `odd`": st.none() | texts,
    }
)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _joined(operand: st.SearchStrategy[str], *signs: str) -> st.SearchStrategy[str]:
    return st.builds(lambda left, sign, right: f"({left} {sign} {right})", operand, st.sampled_from(signs), operand)


def _called(operand: st.SearchStrategy[str], *names: str, least: int = 1, most: int = 1) -> st.SearchStrategy[str]:
    given = st.lists(operand, min_size=least, max_size=most)
    return st.builds(lambda name, sides: f"{name}({', '.join(sides)})", st.sampled_from(names), given)


text_rules = st.recursive(
    st.sampled_from(["shop", "`it's ``odd```"]) | texts.map(_quoted),
    lambda inner: _called(inner, "lower", "upper") | _called(inner, "least", "greatest", "coalesce", least=2, most=3),
    max_leaves=4,
).filter(lambda rule: not set(rule) & set("éß€") or "(" not in rule)
time_rules = st.sampled_from(["ordered", "delivered"]) | times.map(lambda time: f"t'{time.isoformat()}'")
number_rules = st.recursive(
    st.sampled_from(["items", "paid"])
    | whole.map(str)
    | st.floats(0, 1e9).map(repr)
    | _called(text_rules, "length")
    | _called(time_rules, "year", "month", "day")
    | _called(time_rules, "days_between", least=2, most=2),
    lambda inner: (
        _joined(inner, "+", "-", "*", "/", "%")
        | _called(inner, "abs")
        | inner.map(lambda rule: f"-{rule}")
        | st.builds("round({}, {})".format, inner, st.integers(0, 3))
        | _called(inner, "least", "greatest", "coalesce", least=2, most=3)
    ),
    max_leaves=5,
)


def _comparisons(operand: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    negated = st.sampled_from(["", "not "])
    return (
        _joined(operand, "=", "!=", "<>", "<", "<=", ">", ">=")
        | st.builds("({} {}between {} and {})".format, operand, negated, operand, operand)
        | st.builds(
            lambda one, no, others: f"({one} {no}in ({', '.join(others)}))",
            operand,
            negated,
            st.lists(operand, min_size=1, max_size=3),
        )
        | st.builds("({} is {}null)".format, operand, negated)
    )


rules = st.recursive(
    st.sampled_from(["open", "TRUE", "false"])
    | _comparisons(number_rules)
    | _comparisons(text_rules)
    | _comparisons(time_rules),
    lambda inner: _joined(inner, "and", "OR", "=", "!=") | inner.map(lambda rule: f"(not {rule})"),
    max_leaves=5,
)


def _not_nan(value: Any) -> Any:
    """NaN is equal to nothing, so it goes by its name."""
    return "NaN" if isinstance(value, float) and math.isnan(value) else value


def walk(tree: Tree) -> Iterator[str]:
    if isinstance(tree, Operation):
        yield tree.name
        for argument in tree.arguments:
            yield from walk(argument)


@settings(max_examples=300, deadline=None)
@given(rule=rules, row=rows)
def test_the_sql_of_a_rule_says_of_any_row_what_the_rule_means(
    rule: str, row: dict[str, Any], database: duckdb.DuckDBPyConnection
) -> None:
    tree = read(rule)
    assert in_sql(tree, row, database) is evaluate(tree, row)


@settings(max_examples=300, deadline=None)
@given(rule=number_rules, row=rows)
def test_the_numbers_that_sql_computes_are_those_of_the_rule(
    rule: str, row: dict[str, Any], database: duckdb.DuckDBPyConnection
) -> None:
    tree = parse_expression(f"({rule}) = 0", COLUMNS)
    assert isinstance(tree, Operation)
    seen, meant = in_sql(tree.arguments[0], row, database), evaluate(tree.arguments[0], row)
    assert _not_nan(seen) == _not_nan(meant)


@given(st.text() | st.text(string.printable))
def test_any_text_is_read_or_refused_with_its_place(text: str) -> None:
    refused, operations = None, set[str]()
    try:
        operations = set(walk(read(text)))
    except ExpressionError as error:
        refused = error
    assert refused is None or (0 <= refused.position <= len(text) and str(refused))
    assert operations <= SQL.keys()


def test_every_operation_has_its_sql_and_its_meaning() -> None:
    assert SQL.keys() == LENIENT.keys() | STRICT.keys()
    assert FUNCTIONS.keys() <= SQL.keys()


@pytest.mark.parametrize(
    ("rule", "position", "words"),
    [
        ("delivered >= orderd", 13, "'orderd' is not one of the columns; did you mean 'ordered'?"),
        ("shop = DE", 7, "texts stand in single quotes"),
        ("shop > 5", 5, "`>` cannot compare text with a whole number"),
        ("ordered > '2026-01-01'", 8, "cannot compare a timestamp with text"),
        ("paid + shop > 1", 5, "`+` needs numbers, and this is text"),
        ("paid", 0, "a rule says what must hold, and this is a number"),
        ("paid and open", 5, "`and` needs conditions"),
        ("0 < paid < 5", 9, "'<' does not belong here; join two comparisons with `and`"),
        ("paid > 1 adn open", 9, "did you mean `and`?"),
        ("paid == 1", 5, "write `=` instead of `==`"),
        ("open && open", 5, "write `and` instead of `&&`"),
        ('shop = "DE"', 7, "texts stand in single quotes, names of columns in backticks"),
        ("shop = 'DE", 7, "this text has no end"),
        ("`shop = 'DE'", 0, "this name has no end"),
        ("shop = null", 7, "write `is null` or `is not null`"),
        ("(paid > 1", 9, "`)` is missing before the end of the rule"),
        ("paid > ", 7, "is missing before the end of the rule"),
        ("", 0, "is missing before the end of the rule"),
        ("lenght(shop) > 1", 0, "did you mean length()?"),
        ("now() > ordered", 0, "there is no function now(); known are abs"),
        ("length(shop, 1) > 1", 0, "length() takes 1 value in its brackets, not 2"),
        ("least(paid) > 1", 0, "least() takes 2 or more values"),
        ("round(paid, items) > 1", 0, "the digits of round() must be written out, 0 to 15"),
        ("round(paid, 16) > 1", 0, "0 to 15"),
        ("length(paid) > 1", 0, "`length()` needs text, and this is a number"),
        ("year(shop) > 1", 0, "`year()` needs a timestamp"),
        ("ordered > t'2026-13-01'", 10, "'2026-13-01' is no time; write t'2026-01-31'"),
        ("open < true", 5, "has no meaning for true and false"),
        ("paid > 1e999", 7, "this number is too large"),
        ("paid > 12abc", 7, "put a blank between them"),
        ("paid > 1;", 8, "';' has no meaning in a rule"),
        ("shop = 'a\tb'", 7, "cannot be printed"),
        ("paid in ()", 9, "is missing before ')'"),
        ("paid is 5", 8, "`null` is missing before '5'"),
        ("(" * 26 + "open" + ")" * 26, 25, "nested more than 25 deep"),
        ("not " * 26 + "open", 100, "nested more than 25 deep"),
        ("open" + " and open" * (MOST // 2), 4 + 9 * (MOST // 2) - 4, "words and signs, more than 300"),
        ("open or " * 300, LONGEST, "2,400 characters, more than 2,000"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place(rule: str, position: int, words: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        read(rule)
    assert words in str(caught.value)
    assert caught.value.position == position


@pytest.mark.parametrize(
    ("rule", "row", "holds"),
    [
        ("open or items > 1 and paid > 1", {"open": True, "items": 0}, True),
        ("not open = false", {"open": True}, True),
        ("2 + 3 * items = 8", {"items": 2}, True),
        ("10 - 4 - 3 = 3", {}, True),
        ("-items - -1 = 0", {"items": 1}, True),
        ("paid / items > 1", {"paid": 5.0, "items": 0}, None),
        ("paid % 2 = 1", {"paid": 7.0}, True),
        ("items = 9007199254740993", {"items": 9007199254740993}, True),
        ("items = 9007199254740992", {"items": 9007199254740993}, False),
        ("items > -9223372036854775808", {"items": 0}, True),
        ("abs(items) > 0", {"items": -(2**63)}, True),
        ("paid > 99999999999999999999", {"paid": 1e30}, True),
        ("delivered >= ordered", {"ordered": at("2026-01-02")}, None),
        ("days_between(ordered, t'2026-01-02T12:00') = 1.5", {"ordered": at("2026-01-01")}, True),
        ("ordered = t'2026-01-01T02:00:00+02:00'", {"ordered": at("2026-01-01")}, True),
        ("year(ordered) = 2026 and month(ordered) = 1", {"ordered": at("2026-01-31")}, True),
        ("shop in ('DE', 'it''s')", {"shop": "it's"}, True),
        ("shop not in ('DE', 'FR')", {"shop": None}, None),
        ("shop is null or length(shop) = 2", {"shop": None}, True),
        ("least(paid, items) = 1", {"paid": None, "items": 1}, True),
        ("coalesce(paid, items, 0) = 0", {"paid": None, "items": None}, True),
        ("`it's ``odd``` = '{0}'", {"it's `odd`": "{0}"}, True),
        ("shop = '''; DROP TABLE x; --'", {"shop": "'; DROP TABLE x; --"}, True),
    ],
)  # fmt: skip
def test_a_rule_holds_as_a_person_reads_it(
    rule: str, row: dict[str, Any], holds: bool | None, database: duckdb.DuckDBPyConnection
) -> None:
    whole_row = {**dict.fromkeys(COLUMNS), **row}
    assert in_sql(read(rule), whole_row, database) is holds
    assert evaluate(read(rule), whole_row) is holds


def test_the_columns_of_a_rule_are_told_once_each() -> None:
    assert columns(read("paid > items and (paid < 5 or shop = 'paid')")) == ("paid", "items", "shop")


def test_the_longest_rule_that_is_read_is_compiled_too(database: duckdb.DuckDBPyConnection) -> None:
    rule = "items" + " + 1" * (MOST // 2 - 2) + " > 0"
    assert in_sql(read(rule), {**dict.fromkeys(COLUMNS), "items": 1}, database) is True
