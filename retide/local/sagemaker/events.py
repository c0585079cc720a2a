"""Tells EventBridge about every change of state, in the shapes that AWS documents."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, Protocol

from retide.local.interfaces import Event, Json

SOURCE: Final = "aws.sagemaker"


class Bus(Protocol):
    def emit_event(self, event: Event) -> None:
        """Put the event onto the account's default bus."""


class Events:
    """One method per kind of event; details are what Describe answers at that moment."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    def job(self, noun: str, description: Json, tags: dict[str, str]) -> None:
        """`noun` is the kind of job as AWS's names have it: Training."""
        self._emit(f"SageMaker {noun} Job State Change", description[f"{noun}JobArn"], description, tags)

    def tuning_job(self, description: Json, tags: dict[str, str]) -> None:
        """AWS writes this kind in three words, unlike its API."""
        arn = description["HyperParameterTuningJobArn"]
        self._emit("SageMaker HyperParameter Tuning Job State Change", arn, description, tags)

    def endpoint(self, description: Json, tags: dict[str, str]) -> None:
        """The event spells the status in capitals (IN_SERVICE), unlike the API (InService)."""
        detail = description | {"EndpointStatus": _capitals(description["EndpointStatus"])}
        self._emit("SageMaker Endpoint State Change", description["EndpointArn"], detail, tags)

    def model_package(self, description: Json, updated: list[str]) -> None:
        """`updated` names the fields that UpdateModelPackage wrote; on creation there is no such field."""
        detail = {key: value for key, value in description.items() if value is not None}
        if updated:
            detail["UpdatedModelPackageFields"] = updated
        arn = description["ModelPackageArn"]
        self._bus.emit_event(Event(SOURCE, "SageMaker Model Package State Change", _iso(detail), (arn,)))

    def _emit(self, kind: str, arn: str, description: Json, tags: dict[str, str]) -> None:
        self._bus.emit_event(Event(SOURCE, kind, milliseconds(description | {"Tags": tags}), (arn,)))


def milliseconds(value: Any) -> Any:
    """The same with times as milliseconds since the epoch and without None."""
    if isinstance(value, datetime):
        return round(value.timestamp() * 1000)
    if isinstance(value, dict):
        return {key: milliseconds(item) for key, item in value.items() if item is not None}
    return [milliseconds(item) for item in value] if isinstance(value, list) else value


def _iso(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, dict):
        return {key: _iso(item) for key, item in value.items() if item is not None}
    return [_iso(item) for item in value] if isinstance(value, list) else value


def _capitals(status: str) -> str:
    return "".join(f"_{letter}" if letter.isupper() and at else letter for at, letter in enumerate(status)).upper()
