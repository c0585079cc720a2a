"""Variables of a pipeline: `#{Namespace.Key}` in an action's configuration."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final

REFERENCE: Final = re.compile(r"#\{([^.{}#]+)\.([^{}#]+)\}")
SYSTEM: Final = "codepipeline"
PIPELINE: Final = "variables"
JSON_KEYS: Final = frozenset({"EnvironmentVariables"})

Namespaces = Mapping[str, Mapping[str, str]]


class Unresolved(Exception):
    """A reference to what has no value; the message names it."""


def namespaces(text: str) -> set[str]:
    """The namespaces that a text refers to."""
    return {found[1] for found in REFERENCE.finditer(text)}


def resolved(configuration: Mapping[str, str], values: Namespaces) -> dict[str, str]:
    """The configuration with every reference replaced. Raises Unresolved."""
    return {key: _replaced(key, text, values) for key, text in configuration.items()}


def _replaced(key: str, text: str, values: Namespaces) -> str:
    return REFERENCE.sub(lambda found: _written(_value(found, key, values), key), text)


def _written(value: str, key: str) -> str:
    """Inside JSON a value may hold quotes and line ends: a commit's message does."""
    return json.dumps(value)[1:-1] if key in JSON_KEYS else value


def _value(reference: re.Match[str], key: str, values: Namespaces) -> str:
    try:
        return values[reference[1]][reference[2]]
    except KeyError:
        raise Unresolved(f"{reference[0]} in {key} has no value") from None
