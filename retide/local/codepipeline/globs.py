"""AWS's glob patterns for branches, tags and file paths: those of Java, in which `*` stops at a slash."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

WILDCARDS = re.compile(
    r"""
    \\(?P<escaped>.) | (?P<deep>\*\*) | (?P<shallow>\*) | (?P<one>\?) |
    \[(?P<not>!?)(?P<set>-?[^\]]+)\] | (?P<open>\{) | (?P<close>\}) | (?P<comma>,) | (?P<plain>.)
    """,
    re.VERBOSE | re.DOTALL,
)


def matches(pattern: str, text: str) -> bool:
    """Whether the whole text fits the pattern. Raises ValueError for a pattern that is none."""
    return _compiled(pattern).fullmatch(text) is not None


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile("".join(_translated(pattern)), re.DOTALL)


def _translated(pattern: str) -> Iterator[str]:
    inside = False
    for part in WILDCARDS.finditer(pattern):
        if part["open"] or part["close"]:
            if inside == bool(part["open"]):
                raise ValueError(f"{pattern!r} is no glob pattern: braces are a group, and groups cannot be nested")
            inside = bool(part["open"])
        yield _one(part, inside)
    if inside:
        raise ValueError(f"{pattern!r} is no glob pattern: a group opens with {{ and never closes")


def _one(part: re.Match[str], inside: bool) -> str:
    match part.lastgroup:
        case "set":
            return f"(?!/)[{'^' if part['not'] else ''}{_set(part['set'])}]"
        case "comma":
            return "|" if inside else ","
        case "escaped" | "plain":
            return re.escape(part["escaped"] or part["plain"])
        case group:
            return {"deep": ".*", "shallow": "[^/]*", "one": "[^/]", "open": "(?:", "close": ")"}[str(group)]


def _set(members: str) -> str:
    """Inside brackets only the hyphen between two characters means something."""
    return "".join(character if character == "-" else re.escape(character) for character in members)
