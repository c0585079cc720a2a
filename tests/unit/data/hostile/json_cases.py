"""Hostile JSON Lines: what is JSON and no row, what is no JSON, and what another reader might take for either."""

from __future__ import annotations

import json

from tests.unit.data.hostile.case import Case, Named, cases
from tests.unit.data.tables import HEADER, rows

OBJECTS = [dict(zip(HEADER, row, strict=True)) for row in rows()]
LINES = [json.dumps(row) for row in OBJECTS]
GOOD = "\n".join(LINES) + "\n"
SHAPE = "a JSON object on each line"


def _with(line: str) -> str:
    return "\n".join([*LINES[:6], line, *LINES[7:]]) + "\n"


def _row(**changes: object) -> str:
    return json.dumps({**OBJECTS[6], **changes})


def _raw(column: str, text: str) -> str:
    """A good line but for the text of one value, which need not be JSON."""
    return _row(**{column: "@"}).replace('"@"', text)


def _good() -> list[Case]:
    table: list[Named] = [
        ("as it should be", GOOD, ""),
        ("with a mark", "\ufeff" + GOOD, ""),
        ("with returns", GOOD.replace("\n", "\r\n"), ""),
        ("without the last break", GOOD.rstrip("\n"), ""),
        ("in UTF-16", GOOD.encode("utf-16"), ""),
        ("blank lines at the end", GOOD + "\n\n \n", ""),
        ("nested values nobody wants", _with(_row(other={"a": [1, {"b": None}]})), ""),
        ("numbers as text", _with(_row(months="7", spend="1.5")), ""),
        ("null where nothing is known", _with(_row(spend=None)), ""),
        ("breaks of Unicode in a text", _with(_row(customer="a\u2028b\u0085c\nd")), ""),
        ("keys named like Python's", _with(_row(__class__="x", __proto__="y")), ""),
    ]
    return cases("JSON", table)


def _no_json() -> list[Case]:
    odd = {
        "cut": LINES[6][:40],
        "a comma too many": LINES[6][:-1] + ",}",
        "single quotes": str(OBJECTS[6]),
        "a comment": "// nothing",
        "two objects": LINES[6] + LINES[5],
        "words": "customer C7",
        "a control character": _raw("customer", '"a\x01b"'),
        "a bad escape": _raw("customer", r'"\x41"'),
        "a bare word": _raw("months", "undefined"),
        "a number with a leading zero": _raw("months", "007"),
        "a hexadecimal number": _raw("months", "0x7"),
    }
    return cases("no JSON", [(name, _with(line), SHAPE) for name, line in odd.items()])


def _no_row() -> list[Case]:
    odd = {
        "a list": "[1, 2]",
        "a number": "7",
        "a text": '"customer"',
        "null": "null",
        "an object for a value": _row(plan={"name": "pro"}),
        "a list for a value": _row(months=[7]),
        "a key twice": LINES[6][:-1] + ', "months": 8}',
        "half a surrogate pair": _raw("customer", r'"\ud800"'),
        "a NUL": _raw("customer", r'"a\u0000b"'),
        "100,000 lists deep": _raw("months", "[" * 100_000 + "]" * 100_000),
        "100,000 objects deep": '{"a":' * 100_000,
    }
    return cases("no row", [(name, _with(line), SHAPE) for name, line in odd.items()])


def _values() -> list[Case]:
    table: list[Named] = [
        ("a million digits", _with(_raw("months", "9" * 1_000_000)), "a whole number"),
        ("a float of a million digits", _with(_raw("spend", "0." + "3" * 1_000_000)), ""),
        ("beyond all floats", _with(_raw("spend", "1e400")), "a number such as 12.5"),
        ("Infinity", _with(_raw("spend", "Infinity")), "a number such as 12.5"),
        ("NaN, which is a marker of missing", _with(_raw("spend", "NaN")), ""),
        ("true for a number", _with(_row(months=True)), "a whole number"),
        ("a text for a number", _with(_row(months="many")), "a whole number"),
        ("a value missing", _with(_row(plan=None)), "a value in every row"),
        ("a key missing everywhere", "\n".join(line.replace('"plan"', '"Plan"') for line in LINES), "plan missing"),
        (
            "a million keys",
            "\n".join(json.dumps({f"k{i}{j}": 1 for j in range(500)}) for i in range(40)),
            "different keys",
        ),
        ("a blank line within", _with(""), "a blank line before the end (line 7)"),
        ("over several lines", json.dumps(OBJECTS[0], indent=1), "JSON without a row: line 1 is no JSON object"),
        ("an array", json.dumps(OBJECTS), "a JSON array"),
        ("a line of 5 MiB", _with(_row(note="x" * 5 * 2**20)), "a line of over"),
        ("bytes that are no text", GOOD.encode().replace(b"C00007", b"C\xff0007"), "not UTF-8"),
    ]
    table += [(f"cut after {at} bytes", GOOD[:at], SHAPE) for at in (300, 1_000, 1_500)]
    table += [(f"cut after {at} bytes", GOOD[:at], "JSON without a row") for at in (1, 30)]
    return cases("JSON", table)


def json_cases() -> list[Case]:
    return [*_good(), *_no_json(), *_no_row(), *_values()]
