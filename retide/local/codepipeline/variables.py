"""Variables of a pipeline: `#{Namespace.Key}` in an action's configuration."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

REFERENCE: Final = re.compile(r"#\{([^.{}#]+)\.([^{}#]+)\}")
SYSTEM: Final = "codepipeline"
PIPELINE: Final = "variables"

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
    return REFERENCE.sub(lambda found: _value(found, key, values), text)


def _value(reference: re.Match[str], key: str, values: Namespaces) -> str:
    try:
        return values[reference[1]][reference[2]]
    except KeyError:
        raise Unresolved(f"{reference[0]} in {key} has no value") from None
