"""IAM's patterns with `*` and `?`: whether one covers another, and whether two have anything in common."""

from __future__ import annotations

import re
from functools import cache
from typing import Final

WILDCARDS: Final = re.compile(r"[*?]+")
# IAM's way to write the letters themselves, and CloudFormation's colons that part no segments.
LITERAL: Final = {"${*}": "\ue000", "${?}": "\ue001"}
PSEUDO: Final = re.compile(r"\$\{AWS::(\w+)\}")
SEGMENTS: Final = 6  # of an ARN; the last may hold colons of its own


def covers(wide: str, narrow: str) -> bool:
    """Whether every text that matches `narrow` also matches `wide`; a wildcard is not trusted beyond its segment."""
    ours, theirs = _segments(wide), _segments(narrow)
    if wide == "*" or len(ours) != len(theirs):
        return wide in ("*", narrow)
    return all(_covers(mine, other) for mine, other in zip(ours, theirs, strict=True))


def overlap(one: str, other: str) -> bool:
    """Whether some text matches both."""
    return _overlap(canonical(one), canonical(other))


def canonical(pattern: str) -> str:
    """Neighbouring wildcards in one order: `*?*` and `?*` say the same."""
    for written, letter in LITERAL.items():
        pattern = pattern.replace(written, letter)
    return WILDCARDS.sub(_ordered, pattern)


def _segments(pattern: str) -> list[str]:
    return canonical(PSEUDO.sub(r"${AWS.\1}", pattern)).split(":", SEGMENTS - 1)


def _ordered(found: re.Match[str]) -> str:
    run = found.group()
    return "?" * run.count("?") + ("*" if "*" in run else "")


@cache
def _covers(wide: str, narrow: str) -> bool:
    """`narrow` read as a text in which its own wildcards are letters that only a wildcard of `wide` can stand for.

    One row a letter of `wide`: row[n] is whether the letters so far cover the first n of `narrow`.
    """
    row = [True] + [False] * len(narrow)
    for letter in wide:
        row = _after_star(row) if letter == "*" else _after_letter(letter, row, narrow)
    return row[-1]


def _after_star(row: list[bool]) -> list[bool]:
    """Everything from the first place on that was reached."""
    first = row.index(True) if True in row else len(row)
    return [position >= first for position in range(len(row))]


def _after_letter(letter: str, row: list[bool], narrow: str) -> list[bool]:
    fits = [other == letter or (letter == "?" and other != "*") for other in narrow]
    return [False] + [reached and fit for reached, fit in zip(row, fits, strict=False)]


@cache
def _overlap(one: str, other: str) -> bool:
    """One row a letter of `one`: row[n] is whether it and the first n letters of `other` can be one text."""
    row = _across(other)
    for letter in one:
        row = _next(letter, row, other)
    return row[-1]


def _across(other: str) -> list[bool]:
    """The empty text matches nothing but stars."""
    row = [True]
    for letter in other:
        row.append(row[-1] and letter == "*")
    return row


def _next(letter: str, row: list[bool], other: str) -> list[bool]:
    new = [row[0] and letter == "*"]
    for place, there in enumerate(other):
        if "*" in (letter, there):  # a star takes nothing, or one letter more of the other side
            new.append(row[place + 1] or new[place])
        else:
            new.append(row[place] and (letter == there or "?" in (letter, there)))
    return new
