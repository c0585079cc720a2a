"""The operations on what is only kept under a name, models and endpoint configurations: it never changes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from retide.local.errors import invalid
from retide.local.interfaces import Json, Settings
from retide.local.sagemaker.listing import Row, page
from retide.local.sagemaker.store import Arns, Tags
from retide.local.table import Table


@dataclass(frozen=True, slots=True)
class Named:
    """A model or an endpoint configuration, with the request that made it."""

    name: str
    arn: str
    request: Json
    created: datetime


class NamedOperations(ABC):
    """Create, describe, delete, list and find; a subclass says what a thing is called and when it is accepted."""

    noun: ClassVar[str]
    """As AWS's names have it: "Model" in CreateModel."""
    arn_type: ClassVar[str]
    words: ClassVar[str]
    """As AWS's messages have it."""

    def __init__(self, settings: Settings, tags: Tags) -> None:
        self._settings = settings
        self._tags = tags
        self._arns = Arns(settings)
        self._items: Table[Named] = Table()

    @abstractmethod
    def accepted(self, request: Json) -> Json:
        """The request as it is kept. Raises ApiError for what the model of the API lets pass and AWS refuses."""

    def create(self, request: Json) -> Json:
        """CreateModel and its like."""
        kept = self.accepted(request)
        name = self._name(request)
        arn = self._arns.of(self.arn_type, name)
        item = Named(name, arn, kept, self._settings.clock.now())
        self._items.add(name, item, invalid(f'Cannot create already existing {self.words} "{arn}".'))
        self._tags.start(arn, request.get("Tags", ()))
        return {f"{self.noun}Arn": arn}

    def describe(self, request: Json) -> Json:
        """DescribeModel and its like."""
        item = self.find(self._name(request))
        described = {key: value for key, value in item.request.items() if key != "Tags"}
        return described | {f"{self.noun}Arn": item.arn, "CreationTime": item.created}

    def delete(self, request: Json) -> Json:
        """DeleteModel and its like: endpoints that run it are not touched."""
        item = self.find(self._name(request))
        self._items.remove(item.name)
        self._tags.forget(item.arn)
        return {}

    def list(self, request: Json) -> Json:
        """ListModels and its like."""
        return page(f"{self.noun}s", map(self._row, self._items.all()), request, "Descending")

    def find(self, name: str) -> Named:
        """Raises ValidationException when there is none."""
        arn = self._arns.of(self.arn_type, name)
        return self._items.find(name, invalid(f'Could not find {self.words} "{arn}".'))

    def _name(self, request: Json) -> str:
        name: str = request[f"{self.noun}Name"]
        return name

    def _row(self, item: Named) -> Row:
        summary = {f"{self.noun}Name": item.name, f"{self.noun}Arn": item.arn, "CreationTime": item.created}
        return Row(item.name, item.created, item.created, summary)
