"""Cut the text of a rule into words, numbers, texts and signs, each with its place; what is none of them is refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

LONGEST: Final = 2_000  # characters
MOST: Final = 300  # tokens: what reads, types and compiles a rule goes down once for each


class ExpressionError(ValueError):
    """A rule that cannot be read; `position` is the character, from 0, where it goes wrong."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.position = position


class Sort(StrEnum):
    NUMBER = "number"
    TEXT = "text"
    TIMESTAMP = "timestamp"
    COLUMN = "column"  # in backticks
    WORD = "word"
    SIGN = "sign"
    END = "end of the rule"


@dataclass(frozen=True, slots=True)
class Token:
    """`text` is without its quotes; a word that is an operator or a constant is in lower case in `key`."""

    sort: Sort
    text: str
    position: int

    @property
    def key(self) -> str:
        return self.text.lower() if self.sort in {Sort.WORD, Sort.SIGN} else ""

    def __str__(self) -> str:
        return str(self.sort) if self.sort is Sort.END else repr(self.text)


_PATTERN: Final = re.compile(
    r"""(?P<number>[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)(?![\w.])
      | t'(?P<timestamp>[^']*)'
      | '(?P<text>(?:[^']|'')*)'
      | `(?P<column>(?:[^`]|``)+)`
      | (?P<word>[^\W\d]\w*)
      | (?P<sign><=|>=|<>|!=|==|&&|\|\||[-+*/%=<>(),!])
      | (?P<blank>\s+)""",
    re.VERBOSE,
)
_ADVICE: Final[Mapping[str, str]] = {
    '"': "texts stand in single quotes, names of columns in backticks",
    "'": "this text has no end: close it with a single quote",
    "`": "this name has no end: close it with a backtick",
    ".": "a number looks like 0.5, and a column whose name holds a point stands in backticks",
}
_OTHER_WORDS: Final[Mapping[str, str]] = {"==": "=", "&&": "and", "||": "or", "!": "not"}


def tokens(text: str) -> list[Token]:
    """All of them, and an end; raises ExpressionError at the first that is none."""
    if len(text) > LONGEST:
        raise ExpressionError(
            f"has {len(text):,} characters, more than {LONGEST:,}; make several checks of it", LONGEST
        )
    found: list[Token] = []
    position = 0
    while position < len(text):
        match = _PATTERN.match(text, position)
        if match is None:
            raise _unknown(text, position)
        found += _token(match)
        position = match.end()
    if len(found) > MOST:
        at = found[MOST].position
        raise ExpressionError(f"has {len(found)} words and signs, more than {MOST}; make several checks of it", at)
    return [*found, Token(Sort.END, "", len(text))]


def _token(match: re.Match[str]) -> list[Token]:
    sort, text = str(match.lastgroup), match[str(match.lastgroup)]
    if sort == "blank":
        return []
    if text in _OTHER_WORDS:
        raise ExpressionError(f"write `{_OTHER_WORDS[text]}` instead of `{text}`", match.start())
    if not text.isprintable():
        raise ExpressionError("holds a character that cannot be printed", match.start())
    return [Token(Sort(sort), text.replace("''", "'").replace("``", "`"), match.start())]


def _unknown(text: str, position: int) -> ExpressionError:
    sign = text[position]
    if sign.isdigit():
        return ExpressionError("a number and what follows it run into each other; put a blank between them", position)
    return ExpressionError(_ADVICE.get(sign, f"{sign!a} has no meaning in a rule"), position)
