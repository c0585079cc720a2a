"""CloudFormation's intrinsic functions as readable text, so that two templates' values can be compared and shown."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def text(value: Any) -> str:
    """A string for any value: `${Queue.Arn}` for what refers to a resource, JSON for what is no string at all."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping) and len(value) == 1:
        ((name, argument),) = value.items()
        return _function(str(name), argument)
    return json.dumps(value, sort_keys=True)


def listed(value: Any) -> list[Any]:
    """What a template gives as one thing or as a list of them."""
    return list(value) if isinstance(value, list | tuple) else [value]


def _function(name: str, argument: Any) -> str:
    match name, argument:
        case "Ref", str():
            return f"${{{argument}}}"
        case "Fn::GetAtt", [str(resource), str(attribute)]:
            return f"${{{resource}.{attribute}}}"
        case "Fn::GetAtt", str():
            return f"${{{argument}}}"
        case "Fn::Join", [str(separator), list(parts)]:
            return separator.join(text(part) for part in parts)
        case "Fn::Sub", str():
            return argument
        case "Fn::Sub", [str(pattern), dict(values)]:
            return _substituted(pattern, values)
        case "Fn::ImportValue", _:
            return f"${{import {text(argument)}}}"
    return json.dumps({name: argument}, sort_keys=True)


def _substituted(pattern: str, values: Mapping[str, Any]) -> str:
    for name, value in values.items():
        pattern = pattern.replace(f"${{{name}}}", text(value))
    return pattern
