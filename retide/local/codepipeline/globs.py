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

MEMBERS = re.compile(r"(?P<first>.)-(?P<last>.)|.", re.DOTALL)


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
        case "plain" if part["plain"] in "[\\":
            raise ValueError(f"{part.string!r} is no glob pattern: nothing follows, or nothing closes, {part['plain']}")
        case "escaped" | "plain":
            return re.escape(part["escaped"] or part["plain"])
        case group:
            return {"deep": ".*", "shallow": "[^/]*", "one": "[^/]", "open": "(?:", "close": ")"}[str(group)]


def _set(members: str) -> str:
    """Inside brackets only the hyphen between two characters means something."""
    return "".join(_member(member) for member in MEMBERS.finditer(members))


def _member(member: re.Match[str]) -> str:
    if member["first"] is None:
        return re.escape(member[0])
    if member["first"] > member["last"]:
        raise ValueError(f"{member[0]!r} in a glob pattern is no range: it goes backwards")
    return f"{re.escape(member['first'])}-{re.escape(member['last'])}"
