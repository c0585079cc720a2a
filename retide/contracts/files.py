"""Read a YAML file into plain values, remembering where each stands; nothing in it is run, expanded or read twice.

Scalars are those of YAML 1.2's core schema, as editors read them: `no` and 2026-01-31 are texts, and 010 is no number.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import yaml

from retide.domain.reader import ContractError, Problem

LARGEST: Final = 4_000_000  # bytes
MOST: Final = 500_000  # values, an alias counting as all that it stands for
DEEPEST: Final = 30
STRINGS: Final = frozenset({"!", "tag:yaml.org,2002:str"})
WORDS: Final[Mapping[str, object]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf"), float("inf")),
    "-.inf": float("-inf"),
}
INTEGER: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,399})")
FLOAT: Final = re.compile(r"[-+]?(?:(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+)")
UNREADABLE: Final = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in the file, line and column from 1; `text` is the column at which a value's text begins, 0 where it is
    not written out as it is, and `source` how a plain value is written.
    """

    line: int
    column: int
    text: int = 0
    source: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """The values of a file, and the mark of every path in it (`columns.age.min`, `id.0`)."""

    file: Path
    raw: object
    marks: Mapping[str, Mark]

    def closest(self, path: str) -> tuple[str, Mark]:
        """The path itself, or the closest thing above it that the file holds."""
        while path and path not in self.marks:
            path = path.rpartition(".")[0]
        return path, self.marks.get(path, Mark(1, 1))

    def located(self, problems: Iterable[Problem]) -> tuple[Problem, ...]:
        """With their places, in the order of the file."""
        return tuple(map(self._located, sorted(problems, key=self._position)))

    def _position(self, problem: Problem) -> tuple[int, int]:
        _, mark = self.closest(problem.path)
        return mark.line, mark.column

    def _located(self, problem: Problem) -> Problem:
        """With the place in the file, and how a value is written that wants quotes."""
        path, mark = self.closest(problem.path)
        inside = problem.offset and mark.text and path == problem.path
        column = mark.text + problem.offset if inside else mark.column
        quoted = f": {mark.source!r}" if problem.unquoted and mark.source and path == problem.path else ""
        where = f"{self.file}:{mark.line}:{column}" if path else str(self.file)
        return replace(problem, where=where, message=f"{problem.message}{quoted}")


def read(file: Path) -> Document:
    """Raises ContractError, with the place, for a file that cannot be read as YAML."""
    try:
        text = file.read_text(encoding="utf-8-sig") if file.stat().st_size <= LARGEST else None
    except OSError as error:
        raise ContractError((Problem("", f"cannot be read: {error.strerror}", str(file)),)) from None
    except UnicodeDecodeError as error:
        raise ContractError((Problem("", f"is not UTF-8 text (byte {error.start})", str(file)),)) from None
    if text is None:
        raise ContractError((Problem("", f"has more than {LARGEST:,} bytes, which no contract needs", str(file)),))
    try:
        return _Composer(text).document(file)
    except _Wrong as wrong:
        where = f"{file}:{wrong.line}:{wrong.column}"
        raise ContractError((Problem("", f"is not YAML that can be used: {wrong}", where),)) from None


class _Wrong(ValueError):
    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(message)
        self.line, self.column = line, column


@dataclass(slots=True)
class _Anchored:
    value: object
    weight: int


@dataclass(slots=True)
class _Composer:
    """Makes values of the parser's events one by one: its own composer would go as deep as the file says."""

    text: str
    marks: dict[str, Mark] = field(default_factory=dict)
    anchors: dict[str, _Anchored] = field(default_factory=dict)
    weight: int = 0

    def document(self, file: Path) -> Document:
        events = self._events()
        event = next(events)
        raw = None if isinstance(event, yaml.StreamEndEvent) else self._value(event, events, "", 0)
        after = next(events, None)
        if after is not None and not isinstance(after, yaml.StreamEndEvent):
            raise _at(after, "a second document begins here; a contract is one")
        return Document(file, raw, self.marks)

    def _events(self) -> Iterator[Any]:
        """All but those that only frame the document."""
        if found := UNREADABLE.search(self.text):
            before = self.text[: found.start()]
            column = len(before) - (before.rfind("\n") + 1) + 1
            raise _Wrong(f"the character {found[0]!a} cannot stand in YAML", before.count("\n") + 1, column)
        framing = yaml.StreamStartEvent | yaml.DocumentStartEvent | yaml.DocumentEndEvent
        try:
            yield from (e for e in yaml.parse(self.text, Loader=yaml.CSafeLoader) if not isinstance(e, framing))
        except yaml.MarkedYAMLError as error:
            raise self._syntax(error) from None

    def _syntax(self, error: yaml.MarkedYAMLError) -> _Wrong:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line, mark.column) if mark else (0, 0)
        written = self.text.split("\n")
        if line >= len(written):  # the parser counts a line that ends the file and is not there
            line, column = len(written) - 1, len(written[-1])
        if written[line].startswith("\t", column):
            return _Wrong("indent with blanks, not with a tab", line + 1, column + 1)
        return _Wrong(" ".join(f"{error.problem or ''} {error.context or ''}".split()), line + 1, column + 1)

    def _value(self, event: Any, events: Iterator[Any], path: str, depth: int) -> object:
        before = self.weight
        self._count(event, 1)
        if depth > DEEPEST:
            raise _at(event, f"is nested more than {DEEPEST} deep")
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        value = self._plain(event, events, path, depth)
        if event.anchor is not None:
            self.anchors[event.anchor] = _Anchored(value, self.weight - before)
        return value

    def _plain(self, event: Any, events: Iterator[Any], path: str, depth: int) -> object:
        if isinstance(event, yaml.ScalarEvent):
            return _scalar(event)
        if event.tag is not None:
            raise _at(event, f"the tag {event.tag} has no meaning in a contract")
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(events, path, depth)
        return self._mapping(events, path, depth)

    def _sequence(self, events: Iterator[Any], path: str, depth: int) -> list[object]:
        found: list[object] = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            where = _joined(path, len(found))
            self.marks[where] = _mark(event, event)
            found.append(self._value(event, events, where, depth + 1))
        return found

    def _mapping(self, events: Iterator[Any], path: str, depth: int) -> dict[object, object]:
        found: dict[object, object] = {}
        lines: dict[object, int] = {}
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            key = self._key(event)
            if key in lines:
                raise _at(event, f"{key!r} is given twice, first in line {lines[key]}")
            lines[key] = event.start_mark.line + 1
            where, value = _joined(path, key), next(events)
            self.marks[where] = _mark(event, value)
            found[key] = self._value(value, events, where, depth + 1)
        return found

    def _key(self, event: Any) -> object:
        if not isinstance(event, yaml.ScalarEvent):
            raise _at(event, "a name is one text, not a list, a mapping or an alias")
        if event.value == "<<" and event.implicit[0]:
            raise _at(event, "keys cannot be merged in with <<; write the settings out")
        return _scalar(event)

    def _alias(self, event: Any) -> object:
        if event.anchor not in self.anchors:
            raise _at(event, f"*{event.anchor} stands for nothing that is complete before it")
        known = self.anchors[event.anchor]
        self._count(event, known.weight)
        return known.value

    def _count(self, event: Any, weight: int) -> None:
        self.weight += weight
        if self.weight > MOST:
            raise _at(event, f"holds more than {MOST:,} values")


def _scalar(event: Any) -> object:
    if event.tag is not None and event.tag not in STRINGS:
        raise _at(event, f"the tag {event.tag} has no meaning in a contract")
    text: str = event.value
    if not event.implicit[0] or event.tag is not None:
        return text
    if INTEGER.fullmatch(text):
        return int(text)
    return float(text) if FLOAT.fullmatch(text) else WORDS.get(text, text)


def _mark(event: Any, value: Any) -> Mark:
    """At the key, or at the item itself."""
    start = event.start_mark
    if not isinstance(value, yaml.ScalarEvent):
        return Mark(start.line + 1, start.column + 1)
    begins: Any = value.start_mark
    first = begins.column + (2 if value.style in {"'", '"'} else 1)
    as_it_is = begins.line == start.line and value.style not in {"|", ">"}
    return Mark(start.line + 1, start.column + 1, first if as_it_is else 0, "" if value.style else value.value)


def _joined(path: str, name: object) -> str:
    return f"{path}.{name}" if path else str(name)


def _at(event: Any, message: str) -> _Wrong:
    return _Wrong(message, event.start_mark.line + 1, event.start_mark.column + 1)
