"""The shape of the code: small functions, modules that say what they are for, tests that stand on their own."""

import ast
import re
import statistics
from collections import Counter
from collections.abc import Container, Iterable, Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.architecture.tree import PRODUCT, modules, parsed, shown

Function = ast.FunctionDef | ast.AsyncFunctionDef

LONGEST: Final = 60
NINETIETH_PERCENTILE: Final = 20
# These watch another process, as a person would; everywhere else a test owns the clock.
WATCHERS: Final = ("tests/loop", "tests/sdk", "tests/serve", "tests/contract/local", "tests/patience.py")
WAITING: Final = frozenset({"time.sleep", "sleep", "asyncio.sleep", "eventually"})


def functions(path: Path) -> list[Function]:
    return [node for node in ast.walk(parsed(path)) if isinstance(node, Function)]


def length(function: Function) -> int:
    """Lines from `def` to the end, without the docstring."""
    first = function.body[0]
    documented = ast.get_docstring(function) is not None
    docstring = (first.end_lineno or first.lineno) - first.lineno + 1 if documented else 0
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


def called(path: Path) -> Iterator[tuple[int, str]]:
    """The line and the dotted name of every call."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Call):
            yield node.lineno, ast.unparse(node.func)


def calls_of(names: Container[str], paths: Iterable[Path]) -> list[str]:
    return [f"{shown(path)}:{line} {name}" for path in paths for line, name in called(path) if name in names]


def test_tests_stand_on_fakes() -> None:
    assert calls_of({"monkeypatch.setattr", "monkeypatch.setitem", "mock.patch", "patch"}, modules("tests")) == []


def test_tests_that_watch_no_other_process_never_sleep() -> None:
    owners = (path for path in modules("tests") if not shown(path).startswith(WATCHERS))
    assert calls_of(WAITING, owners) == []


def test_no_two_tests_have_the_same_name() -> None:
    names = Counter(
        function.name for path in modules("tests") for function in functions(path) if function.name.startswith("test_")
    )
    assert {name: count for name, count in names.items() if count > 1} == {}


def test_a_long_function_would_be_found() -> None:
    function = ast.parse('def long():\n    """Say."""\n' + "    pass\n" * 70).body[0]
    assert isinstance(function, ast.FunctionDef)
    assert length(function) == 71
