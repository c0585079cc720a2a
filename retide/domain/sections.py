"""Read a section of settings into the values of its dataclass, whose annotations say how each setting is read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from enum import StrEnum
from functools import cache
from types import NoneType
from typing import Any, get_args, get_type_hints

from retide.domain.reader import Place, shown, unknown
from retide.domain.settings import Schema, Setting


@dataclass(frozen=True, slots=True)
class Named:
    """The name that a person writes, where it is not that of the field."""

    name: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One setting of a section: `name` is what a person writes, `field` what the dataclass calls it."""

    field: str
    name: str
    setting: Setting
    optional: bool
    required: bool
    default: Any

    def read(self, raw: Mapping[Any, Any], at: Place) -> Any:
        value = raw.get(self.name)
        if value is not None:
            return self.setting.read(value, at.below(self.name))
        if self.required:
            at.below(self.name).problem("is missing")
            return self.setting.fallback
        if self.name in raw and not self.optional:
            at.below(self.name).problem("is empty; give it a value or leave it out")
        return None if self.name in raw and self.optional else self.default


@cache
def entries(section: type) -> tuple[Entry, ...]:
    """The settings of a dataclass in the order of its fields; a field without one is derived from the others."""
    hints = get_type_hints(section, include_extras=True)
    return tuple(_entries(section, hints))


def _entries(section: type, hints: Mapping[str, Any]) -> Iterator[Entry]:
    for field in fields(section):
        hint = hints[field.name]
        notes = getattr(hint, "__metadata__", ())
        if notes:
            made = field.default_factory() if field.default_factory is not MISSING else field.default
            name = next((note.name for note in notes if isinstance(note, Named)), field.name)
            optional = NoneType in get_args(hint.__origin__)
            yield Entry(field.name, name, notes[0], optional, made is MISSING, made)


def read_values(section: type, raw: object, at: Place) -> dict[str, Any]:
    """The value of each field that is a setting; what is missing, wrong or unknown becomes a problem of its place."""
    if not isinstance(raw, Mapping):
        at.problem(f"must be a mapping of names to values, not {shown(raw)}")
        raw = {}
    known = {entry.name: entry for entry in entries(section)}
    for name in raw:
        if name not in known:
            at.below(str(name)).problem(unknown(str(name), known))
    return {entry.field: entry.read(raw, at) for entry in known.values()}


def write_values(section: Any) -> dict[str, Any]:
    """The plain form that `read_values` reads; what is at its default of nothing is left out."""
    return {
        entry.name: plain(value)
        for entry in entries(section.__class__)
        if (value := getattr(section, entry.field)) is not None or entry.default is not None
    }


def plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, StrEnum):
        return value.value
    return write_values(value) if is_dataclass(value) and not isinstance(value, type) else value


@dataclass(frozen=True, slots=True)
class Section:
    """A section of settings; `build` makes something else of its values than the dataclass would."""

    says: str
    of: type
    build: Callable[..., Any] | None = None

    @property
    def fallback(self) -> Any:
        return self.read({}, Place())

    def read(self, value: object, at: Place) -> Any:
        return (self.build or self.of)(**read_values(self.of, value, at))

    def schema(self) -> Schema:
        return section_schema(self.of)


@dataclass(frozen=True, slots=True)
class Items:
    """A list of sections."""

    item: Section
    fallback: tuple[Any, ...] = ()

    @property
    def says(self) -> str:
        return self.item.says

    def read(self, value: object, at: Place) -> tuple[Any, ...]:
        if not isinstance(value, list):
            at.problem(f"must be a list of mappings, not {shown(value)}")
            return self.fallback
        return tuple(self.item.read(item, at.below(str(place))) for place, item in enumerate(value))

    def schema(self) -> Schema:
        return {"type": "array", "items": self.item.schema()}


@dataclass(frozen=True, slots=True)
class Sections:
    """Sections by name: one or more; `names` is the pattern of a name, `rule` says it in words."""

    says: str
    of: type
    names: str
    rule: str
    fallback: tuple[Any, ...] = ()

    def read(self, value: object, at: Place) -> tuple[Any, ...]:
        if not isinstance(value, Mapping):
            at.problem(f"must be a mapping of names to values, not {shown(value)}")
            return self.fallback
        if not value:
            at.problem("is empty")
        return tuple(self._section(name, raw, at.below(str(name))) for name, raw in value.items())

    def _section(self, name: object, raw: object, at: Place) -> Any:
        if not isinstance(name, str):
            at.problem(f"is named {shown(name)}, which YAML does not read as text; put it in quotes", unquoted=True)
        elif not re.search(self.names, name):
            at.problem(f"{shown(name)} cannot be a name here: {self.rule}")
        return self.of(name=str(name), **read_values(self.of, raw, at))

    def schema(self) -> Schema:
        return {
            "type": "object",
            "minProperties": 1,
            "propertyNames": {"pattern": self.names},
            "additionalProperties": section_schema(self.of),
        }


def section_schema(section: type) -> Schema:
    """JSON Schema of what `read_values` takes without a problem."""
    known = entries(section)
    return {
        "type": "object",
        "properties": {entry.name: _entry_schema(entry) for entry in known},
        "required": [entry.name for entry in known if entry.required],
        "additionalProperties": False,
    }


def _entry_schema(entry: Entry) -> Schema:
    schema = entry.setting.schema()
    if entry.optional:
        schema = {"anyOf": [schema, {"type": "null"}]}
    simple = entry.default is None or isinstance(entry.default, str | int | float | tuple)
    default = {} if entry.required or not simple else {"default": plain(entry.default)}
    return {"description": entry.setting.says, **schema, **default}
