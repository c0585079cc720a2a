"""What no file of the repository may say: where it was made, which mirror served it, or that it is unfinished."""

import re
from pathlib import Path
from typing import Final

import pytest

from tests.architecture.tree import shown, texts

ELSEWHERE: Final = r"(?<![\w.}])/(home|Users|root|work)/[a-z]|/tmp/[w]\b|/var[/]folders/|/opt/(pypi|wheels)\b"
CHOOSES_A_REGISTRY: Final = r"(?<!no-emit-)((extra-index|index|registry)-url|find-links)\s*[= ]"
FORBIDDEN: Final = {
    # A link to a package's page is a reference; anything else is a place that serves packages.
    "a registry's host": r"(pypi|pythonhosted|npmjs|yarnpkg|npmmirror)[.](org|com|io)(?!/(project|package)/)",
    "a setting that chooses a registry": CHOOSES_A_REGISTRY,
    "a path of somebody's machine": ELSEWHERE,
    "a note to finish it later": r"\b(TO[D]O|FIX[M]E|XX[X])\b",
}


def findings(pattern: str) -> list[str]:
    """Every line that matches, as path:line: text."""
    return [
        f"{shown(path)}:{number}: {line.strip()[:160]}"
        for path, text in texts()
        for number, line in enumerate(text.splitlines(), start=1)
        if re.search(pattern, line)
    ]


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_names(what: str) -> None:
    assert findings(FORBIDDEN[what]) == []


@pytest.mark.parametrize(
    ("what", "line"),
    [
        ("a registry's host", "see https://pypi" + ".org/simple/retide"),
        ("a setting that chooses a registry", "--extra-index" + "-url https://mirror.example"),
        ("a path of somebody's machine", "open('/ho" + "me/ada/data.csv')"),
        ("a note to finish it later", "# TO" + "DO: later"),
    ],
)
def test_what_must_not_be_named_is_found(what: str, line: str) -> None:
    assert re.search(FORBIDDEN[what], line)


def test_every_text_file_ends_with_one_newline() -> None:
    assert [shown(path) for path, text in texts() if text and not re.search(r"[^\n]\n\Z", text)] == []


def test_the_licence_is_the_whole_apache_licence() -> None:
    licence = {path.name: text for path, text in texts() if path.parent == Path(__file__).parents[2]}["LICENSE"]
    assert "Version 2.0, January 2004" in licence
    assert "END OF TERMS AND CONDITIONS" in licence
