"""Holds every request and answer against botocore's own model of the service, as strictly as AWS does."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import cache
from typing import Any, Final

import botocore.session
import regex  # type: ignore[import-untyped]
from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StructureShape

from retide.local.errors import ApiError, invalid
from retide.local.interfaces import Json

_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "structure": (dict,),
    "map": (dict,),
    "list": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "timestamp": (int, float, str),
    "blob": (str,),
}
_STRAY_COUNT: Final = regex.compile(r"\$\{1,\d+\}$")
_SURROGATES: Final = (r"\uD800\uDC00-\uDBFF\uDFFF", r"\U00010000-\U0010FFFF")


@cache
def service_model(service: str) -> ServiceModel:
    """By botocore's name of the service: "sagemaker"."""
    return botocore.session.get_session().get_service_model(service)


def operation(service: str, name: str) -> OperationModel | None:
    """The operation as AWS describes it; None when AWS has none of that name."""
    model = service_model(service)
    return model.operation_model(name) if name in model.operation_names else None


def check_request(service: str, name: str, request: Json) -> None:
    """Raise ValidationException with every violated constraint, in AWS's words."""
    model = operation(service, name)
    if model is None:
        raise ApiError("UnknownOperationException", f"{service_model(service).service_id} has no operation {name}")
    problems = list(_structure(model.input_shape, request, "")) if model.input_shape else []
    if problems:
        count = f"{len(problems)} validation error{'s' if len(problems) > 1 else ''} detected: "
        raise invalid(count + "; ".join(problems))


def wire(service: str, name: str, answer: Json) -> Json:
    """The answer as it goes over the wire: None left out, times as seconds. A member AWS lacks is a KeyError."""
    model = operation(service, name)
    if model is None or model.output_shape is None:
        return {}
    return {key: _wire(model.output_shape.members[key], value) for key, value in answer.items() if value is not None}


def members(service: str, name: str, side: str) -> frozenset[str]:
    """The members of an operation's "input" or "output"."""
    model = operation(service, name)
    shape = None if model is None else (model.input_shape if side == "input" else model.output_shape)
    return frozenset(shape.members) if shape is not None else frozenset()


def _wire(shape: Shape, value: Any) -> Any:
    if isinstance(value, datetime):
        return round(value.timestamp(), 3)
    if isinstance(shape, StructureShape):
        return {key: _wire(shape.members[key], item) for key, item in value.items() if item is not None}
    if isinstance(shape, ListShape):
        return [_wire(shape.member, item) for item in value]
    return value


def _check(shape: Shape, value: Any, path: str) -> Iterator[str]:
    expected = _TYPES[shape.type_name]
    if not isinstance(value, expected) or (isinstance(value, bool) and bool not in expected):
        yield f"{_value(value)} at '{path}' failed to satisfy constraint: Member must be a {shape.type_name}"
        return
    for problem in _constraints(shape, value):
        yield f"{_value(value)} at '{path}' failed to satisfy constraint: {problem}"
    yield from _inside(shape, value, path)


def _inside(shape: Shape, value: Any, path: str) -> Iterator[str]:
    if isinstance(shape, StructureShape):
        yield from _structure(shape, value, path)
    elif isinstance(shape, ListShape):
        for number, item in enumerate(value, start=1):
            yield from _check(shape.member, item, f"{path}.{number}.member")
    elif isinstance(shape, MapShape):
        for key, item in value.items():
            yield from _check(shape.key, key, f"{path}.key")
            yield from _check(shape.value, item, f"{path}.{key}")


def _structure(shape: StructureShape, value: Json, path: str) -> Iterator[str]:
    for name in shape.required_members:
        if value.get(name) is None:
            where = _join(path, name)
            yield f"Value null at '{where}' failed to satisfy constraint: Member must not be null"
    for name, item in value.items():
        if name not in shape.members:
            yield f"Member '{_join(path, name)}' is unknown: {shape.name} has no member {name}"
        elif item is not None:
            yield from _check(shape.members[name], item, _join(path, name))


def _constraints(shape: Shape, value: Any) -> Iterator[str]:
    bounds: Json = {key: shape.metadata[key] for key in ("min", "max") if key in shape.metadata}
    if isinstance(value, str | list | dict):
        yield from _bounded(len(value), bounds, "length")
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield from _bounded(value, bounds, "value")
    if isinstance(value, str):
        yield from _text(shape, value)


def _bounded(number: float, bounds: Json, what: str) -> Iterator[str]:
    if "min" in bounds and number < float(bounds["min"]):
        yield f"Member must have {what} greater than or equal to {bounds['min']}"
    if "max" in bounds and number > float(bounds["max"]):
        yield f"Member must have {what} less than or equal to {bounds['max']}"


def _text(shape: Shape, value: str) -> Iterator[str]:
    pattern, allowed = shape.metadata.get("pattern"), shape.metadata.get("enum")
    if pattern and not compiled(pattern).fullmatch(value):
        yield f"Member must satisfy regular expression pattern: {pattern}"
    if allowed and value not in allowed:
        yield f"Member must satisfy enum value set: [{', '.join(allowed)}]"


@cache
def compiled(pattern: str) -> regex.Pattern[str]:
    """The model's patterns are Java's: `regex` knows their Unicode classes, but not pairs of surrogates."""
    return regex.compile(_STRAY_COUNT.sub("", pattern).replace(*_SURROGATES))


def _join(path: str, name: str) -> str:
    lowered = name[:1].lower() + name[1:]
    return f"{path}.{lowered}" if path else lowered


def _value(value: Any) -> str:
    text = value if isinstance(value, str) else repr(value)
    return f"Value '{text[:200]}'"
