"""Registered models, and the endpoints that serve them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from retide.domain.hosting import Scaling


class Status(StrEnum):
    """A package's approval, in SageMaker's words."""

    PENDING = "PendingManualApproval"
    APPROVED = "Approved"
    REJECTED = "Rejected"


@dataclass(frozen=True, slots=True)
class Document:
    """A JSON document in the data bucket and the sha256 of its bytes."""

    uri: str
    sha256: str


@dataclass(frozen=True, slots=True)
class NewPackage:
    """A model to be registered; `token` makes the request idempotent, `facts` are short texts (see domain.package).

    `profile` is that of the data it learned from: what later data is compared with. `source` is where the whole record
    lies, `card` the content of its model card, `commit` that of the code.
    """

    group: str
    token: str
    description: str
    image: str
    model_data_url: str
    environment: Mapping[str, str]
    facts: Mapping[str, str]
    evaluation: Document
    source: str
    card: str
    commit: str = ""
    profile: Document | None = None


@dataclass(frozen=True, slots=True)
class Package:
    """A registered model; `facts` are its CustomerMetadataProperties.

    `reason` was given with the last decision about it, `by` is who changed it last, as far as AWS tells.
    """

    arn: str
    group: str
    version: int
    status: Status
    image: str
    model_data_url: str
    environment: Mapping[str, str]
    facts: Mapping[str, str]
    description: str = ""
    source: str = ""
    reason: str = ""
    by: str = ""


class Registry(Protocol):
    def create(self, package: NewPackage) -> str:
        """Register as PendingManualApproval; returns the package's ARN. The same token answers the same ARN."""
        ...

    def describe(self, arn: str) -> Package:
        """Raises LookupError for an unknown package."""
        ...

    def versions(self, group: str) -> Iterator[tuple[int, str, Status]]:
        """(version, ARN, status) of a group's packages, newest first, read as far as it is asked for."""
        ...

    def judge(self, arn: str, status: Status, reason: str) -> None: ...

    def point(self, arn: str, source: str) -> None:
        """Say where the whole record of a package lies."""
        ...


@dataclass(frozen=True, slots=True)
class EndpointState:
    """`status` and `failure` in SageMaker's words; `config` is what serves now, whatever was asked for."""

    status: str
    config: str
    failure: str = ""


class Kind(StrEnum):
    """What a rollout makes under a name of its own."""

    ENDPOINT = "endpoint"
    CONFIG = "endpoint config"
    MODEL = "model"


class Hosting(Protocol):
    def names(self, kind: Kind, endpoint: str) -> tuple[str, ...]:
        """What rollouts of this endpoint made of that kind and is there still; of endpoints, those for trials."""
        ...

    def models_of(self, config: str) -> tuple[str, ...]:
        """The models that an endpoint config names; none where it is gone."""
        ...

    def delete(self, kind: Kind, name: str) -> bool:
        """Whether it is gone, or goes; an endpoint that is being made cannot be deleted yet."""
        ...


class Aliases(Protocol):
    def point(self, stage: str, model: str, endpoint: str) -> None:
        """From now on clients find this endpoint."""
        ...


class Captures(Protocol):
    def lines(self, prefix: str, since: datetime) -> Iterator[bytes]:
        """Lines of JSON that were captured under a prefix in the hour of `since` or later, the newest files first."""
        ...


class Metrics(Protocol):
    def tell(self, name: str, value: float, about: Mapping[str, str]) -> None:
        """One value of now; `about` are its dimensions."""
        ...


class EndpointLogs(Protocol):
    def keep(self, endpoint: str, days: int, keeper: str) -> None:
        """The endpoint's log is there and has an end; what is captured into it is handed to `keeper`.

        `keeper` is the ARN of a function, empty for nobody.
        """
        ...


class Scalers(Protocol):
    def keep(self, endpoint: str, variant: str, scaling: Scaling) -> None:
        """From now on the variant grows and shrinks by itself within these bounds."""
        ...

    def stop(self, endpoint: str, variant: str) -> None:
        """It keeps the instances that it has; one that does not scale, or is gone, is left alone."""
        ...


class InvocationFailed(Exception):
    """The endpoint answered with an error, or not at all."""


class Endpoints(Protocol):
    def describe(self, name: str) -> EndpointState | None: ...

    def instance_type(self, config: str) -> str:
        """Of the first variant of an endpoint config; empty for serverless, and where the config is gone."""
        ...

    def invoke(self, name: str, body: bytes, variant: str | None = None) -> bytes:
        """Send JSON, get JSON; raises InvocationFailed with the model's own words where there are any.

        `variant` is the one that is to answer; without it the endpoint chooses by their weights.
        """
        ...
