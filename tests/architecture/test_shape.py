"""The shape of the code: small functions, modules that say what they are for, tests that stand on their own."""

import ast
import re
import statistics
from collections import Counter
from pathlib import Path
from typing import Final

import pytest

from tests.architecture.tree import PRODUCT, modules, parsed, shown

Function = ast.FunctionDef | ast.AsyncFunctionDef

LONGEST: Final = 60
NINETIETH_PERCENTILE: Final = 20
CRUTCHES: Final = r"mock[.]patch|monkeypatch[.]set(attr|item)"
# The loop watches another process, as a person would; below it a test owns the clock.
OWN_THE_CLOCK: Final = tuple(f"tests/{tier}" for tier in ("unit", "contract", "functions", "training", "infra"))


def functions(path: Path) -> list[Function]:
    return [node for node in ast.walk(parsed(path)) if isinstance(node, Function)]


def length(function: Function) -> int:
    """Lines from `def` to the end, without the docstring."""
    first = function.body[0]
    has_docstring = (
        isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    )
    docstring = (first.end_lineno or first.lineno) - first.lineno + 1 if has_docstring else 0
    return (function.end_lineno or function.lineno) - function.lineno + 1 - docstring


def lengths() -> dict[str, int]:
    return {
        f"{shown(path)}:{function.lineno} {function.name}": length(function)
        for path in modules(*PRODUCT)
        for function in functions(path)
    }


def test_no_function_is_longer_than_a_screen() -> None:
    assert {name: lines for name, lines in lengths().items() if lines > LONGEST} == {}


def test_nine_functions_in_ten_are_read_at_a_glance() -> None:
    assert statistics.quantiles(lengths().values(), n=10)[-1] < NINETIETH_PERCENTILE


@pytest.mark.parametrize("path", modules(*PRODUCT, "tests"), ids=shown)
def test_a_module_opens_with_what_it_is_for(path: Path) -> None:
    docstring = ast.get_docstring(parsed(path)) or ""
    if path.name == "__init__.py" and not path.read_text().strip():
        return  # an empty file says only that the folder is a package
    assert re.search(r"\w.*[.:?]", docstring.split("\n\n")[0]), f"{shown(path)} has no sentence at its top"


def lines_with(pattern: str, *packages: str) -> list[str]:
    return [
        f"{shown(path)}:{number}"
        for path in modules(*packages)
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if re.search(pattern, line)
    ]


def test_tests_stand_on_fakes() -> None:
    assert lines_with(CRUTCHES, "tests") == []


def test_tests_below_the_loop_never_sleep() -> None:
    assert lines_with(r"time[.]sleep\(", *OWN_THE_CLOCK) == []


def test_no_two_tests_have_the_same_name() -> None:
    names = Counter(
        function.name for path in modules("tests") for function in functions(path) if function.name.startswith("test_")
    )
    assert {name: count for name, count in names.items() if count > 1} == {}


def test_a_long_function_would_be_found() -> None:
    function = ast.parse('def long():\n    """Say."""\n' + "    pass\n" * 70).body[0]
    assert isinstance(function, ast.FunctionDef)
    assert length(function) == 71
