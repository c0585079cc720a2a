"""Which operation of which service a request is, by the models of botocore; and whether there is such a one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import Any, Final
from urllib.parse import parse_qsl

import botocore.session

from retide.local.shapes import service_model

PLACEHOLDER: Final = re.compile(r"\{(\w+)(\+?)\}")


def check_operation(service: str, operation: str) -> None:
    """Raise ValueError where boto3 knows no such client or no such operation; says what it may be."""
    if service not in services():
        raise ValueError(f"boto3 has no client {service!r}{_hint(service, services())}")
    names = service_model(service).operation_names
    if operation not in names:
        raise ValueError(f"{service} has no operation {operation!r}{_hint(operation, names)}")


def signing_name(service: str) -> str:
    """The name that requests to a service are signed with, which is how the emulator knows it: states, monitoring…"""
    return str(service_model(service).signing_name)


@cache
def services() -> frozenset[str]:
    """All services, as boto3.client takes them."""
    return frozenset(botocore.session.get_session().get_available_services())


def operation_of(
    service: str, method: str, path: str, headers: Mapping[str, str], query: Mapping[str, list[str]]
) -> str:
    """The operation that a request asks for, its `service` by signing name; empty where no model knows it."""
    target = headers.get("x-amz-target", "")
    if "." in target:
        return target.rpartition(".")[2]
    if "Action" in query:
        return query["Action"][0]
    found = [route for route in _routes(service) if route.fits(method, path, headers, query)]
    return max(found, key=lambda route: route.weight).operation if found else ""


@dataclass(frozen=True, slots=True)
class _Route:
    """One operation of a REST service; `weight` is how particular it is about what it takes."""

    operation: str
    method: str
    path: re.Pattern[str]
    query: Mapping[str, str]
    needs: frozenset[str]
    headers: frozenset[str]
    weight: tuple[int, int]

    def fits(self, method: str, path: str, headers: Mapping[str, str], query: Mapping[str, list[str]]) -> bool:
        return (
            method == self.method
            and self.path.fullmatch(path) is not None
            and all(name in query and value in ("", query[name][0]) for name, value in self.query.items())
            and self.needs <= query.keys()
            and self.headers <= headers.keys()
        )


@cache
def _routes(signing: str) -> tuple[_Route, ...]:
    return tuple(route for service in _signed_with(signing) for route in _routes_of(service))


@cache
def _signed_with(signing: str) -> tuple[str, ...]:
    """Services that share a signing name are few, and named alike: sagemaker and sagemaker-runtime."""
    alike = sorted(name for name in services() if name == signing or name.startswith(f"{signing}-"))
    return tuple(name for name in alike if signing_name(name) == signing)


def _routes_of(service: str) -> list[_Route]:
    model = service_model(service)
    if "rest" not in model.metadata["protocol"]:
        return []
    return [_route(model.operation_model(name)) for name in model.operation_names]


def _route(operation: Any) -> _Route:
    uri, _, query = operation.http["requestUri"].partition("?")
    asked = dict(parse_qsl(query, keep_blank_values=True))
    needs, headers = _required(operation, "querystring"), _required(operation, "header")
    return _Route(
        operation.name,
        operation.http["method"],
        _pattern(uri),
        asked,
        needs,
        headers,
        (len(asked) + len(needs) + len(headers), len(PLACEHOLDER.sub("", uri))),
    )


def _required(operation: Any, place: str) -> frozenset[str]:
    shape = operation.input_shape
    required = [shape.members[name].serialization for name in shape.required_members] if shape else []
    return frozenset(
        found["name"].lower() if place == "header" else found["name"]
        for found in required
        if found.get("location") == place
    )


def _pattern(uri: str) -> re.Pattern[str]:
    parts, end = [], 0
    for found in PLACEHOLDER.finditer(uri):
        parts += [re.escape(uri[end : found.start()]), ".+" if found[2] else "[^/]+"]
        end = found.end()
    return re.compile("".join([*parts, re.escape(uri[end:])]) + "/?", re.DOTALL)


def _hint(given: str, known: Any) -> str:
    close = get_close_matches(given, sorted(known), n=3, cutoff=0.5)
    return f": is it {' or '.join(close)}?" if close else ""
