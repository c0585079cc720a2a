"""Turn plain JSON values into frozen dataclasses and back: where an untrusted payload becomes a typed value."""

from __future__ import annotations

import types
from collections.abc import Callable, Hashable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import datetime
from enum import Enum, StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Union, cast, get_args, get_origin, get_type_hints, overload

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


class CodecError(ValueError):
    """A value that does not fit its type: says where, what was expected and what was seen."""

    def __init__(self, path: str, expected: str, seen: object) -> None:
        super().__init__(f"{path or 'the payload'}: expected {expected}, not {_shown(seen)}")
        self.path = path


def parse[T](cls: type[T], raw: object) -> T:
    """Read `raw` (as `json.loads` gives it) as the dataclass `cls`; fields unknown to it are left out.

    Raises CodecError for what is missing or of another type; nothing is converted, "5" is not 5.
    """
    return _dataclass(cls, raw, "")


@overload
def serialise(value: DataclassInstance) -> dict[str, Any]: ...
@overload
def serialise(value: object) -> Any: ...
def serialise(value: Any) -> Any:
    """The plain form of a dataclass, an enum, a time (ISO 8601), a tuple or a mapping: what `json.dumps` takes."""
    if is_dataclass(value):
        return {field.name: serialise(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(name): serialise(item) for name, item in value.items()}
    if isinstance(value, tuple | list | frozenset):
        return [serialise(item) for item in value]
    return value


def _dataclass[T](cls: type[T], raw: object, path: str) -> T:
    if not isinstance(raw, Mapping):
        raise CodecError(path, f"an object with the fields of {cls.__name__}", raw)
    known: dict[str, Any] = {}
    for field, kind in _fields(cast(Hashable, cls)):
        where = f"{path}.{field.name}" if path else field.name
        if field.name in raw:
            known[field.name] = _value(kind, raw[field.name], where)
        elif field.default is MISSING and field.default_factory is MISSING:
            raise CodecError(where, _name(kind), "nothing")
    return cls(**known)


@cache
def _fields(cls: Hashable) -> tuple[tuple[Field[Any], Any], ...]:
    hints = get_type_hints(cls)
    return tuple((field, hints[field.name]) for field in fields(cast(Any, cls)) if field.init)


def _value(kind: Any, raw: object, path: str) -> Any:
    origin = get_origin(kind)
    if kind is Any or kind is object:
        return raw
    if origin in {Union, types.UnionType}:
        return _optional(kind, raw, path)
    if origin is not None:
        return _container(origin, get_args(kind), raw, path)
    if is_dataclass(kind):
        return _dataclass(cast(type, kind), raw, path)
    return _scalar(kind, raw, path)


def _optional(kind: Any, raw: object, path: str) -> Any:
    """Of unions only `X | None` is known: a payload that may be two things needs a name that says which."""
    choices = [choice for choice in get_args(kind) if choice is not type(None)]
    if raw is None and len(choices) < len(get_args(kind)):
        return None
    if len(choices) != 1:
        raise TypeError(f"{path}: {kind} is not `X | None`")
    return _value(choices[0], raw, path)


def _container(origin: type, arguments: tuple[Any, ...], raw: object, path: str) -> Any:
    if origin is tuple and arguments[-1] is Ellipsis:
        if not isinstance(raw, list | tuple):
            raise CodecError(path, "a list", raw)
        return tuple(_value(arguments[0], item, f"{path}[{index}]") for index, item in enumerate(raw))
    if issubclass(origin, Mapping):
        if not isinstance(raw, Mapping):
            raise CodecError(path, "an object", raw)
        return {str(name): _value(arguments[1], item, f"{path}.{name}") for name, item in raw.items()}
    raise TypeError(f"{path}: {origin} is none of tuple[X, ...] and Mapping[str, X]")


def _scalar(kind: Any, raw: object, path: str) -> Any:
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return _enum(kind, raw, path)
    if kind not in _SCALARS:
        raise TypeError(f"{path}: {kind} has no plain form")
    if not _SCALARS[kind](raw):
        raise CodecError(path, _name(kind), raw)
    if kind is datetime:
        return _time(raw, path)
    return float(cast(float, raw)) if kind is float else raw


def _enum(kind: type[StrEnum], raw: object, path: str) -> StrEnum:
    if raw not in [item.value for item in kind]:
        raise CodecError(path, f"one of {', '.join(kind)}", raw)
    return kind(str(raw))


def _time(raw: object, path: str) -> datetime:
    try:
        return datetime.fromisoformat(str(raw))
    except ValueError:
        raise CodecError(path, "a time such as 2026-01-31T12:00:00+00:00", raw) from None


_SCALARS: Final[Mapping[Any, Callable[[object], bool]]] = {
    str: lambda raw: isinstance(raw, str),
    bool: lambda raw: isinstance(raw, bool),
    int: lambda raw: isinstance(raw, int) and not isinstance(raw, bool),
    float: lambda raw: isinstance(raw, int | float) and not isinstance(raw, bool),
    datetime: lambda raw: isinstance(raw, str),
}
_NAMES: Final = {str: "text", bool: "true or false", int: "a whole number", float: "a number", datetime: "a time"}


def _name(kind: Any) -> str:
    return _NAMES.get(kind, getattr(kind, "__name__", str(kind)))


def _shown(seen: object) -> str:
    text = seen if seen == "nothing" else repr(seen)
    return text if len(str(text)) <= 120 else f"{str(text)[:117]}..."
