"""A table of items under two keys, its operations, and what may go wrong with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol


class Fenced(Exception):
    """The lease has passed to somebody else: whoever sees this must stop and write nothing more."""


class ConditionFailed(Exception):
    """A transaction was not written; `failed` are the positions of the operations whose condition did not hold."""

    def __init__(self, failed: tuple[int, ...]) -> None:
        super().__init__(f"the condition of operation {', '.join(map(str, failed))} does not hold")
        self.failed = failed


class Clock(Protocol):
    def now(self) -> datetime:
        """The time in UTC, aware."""
        ...


@dataclass(frozen=True, slots=True)
class Key:
    pk: str
    sk: str


@dataclass(frozen=True, slots=True)
class When:
    """A condition on one item: `absent` means it must not exist; in `equals`, None means that field is not there."""

    absent: bool = False
    equals: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Put:
    key: Key
    values: Mapping[str, Any]
    when: When = When()


@dataclass(frozen=True, slots=True)
class Update:
    """Set fields of an item, made if absent; a value of None removes the field."""

    key: Key
    values: Mapping[str, Any]
    when: When = When()


@dataclass(frozen=True, slots=True)
class Delete:
    key: Key
    when: When = When()


@dataclass(frozen=True, slots=True)
class Check:
    key: Key
    when: When


type Operation = Put | Update | Delete | Check


class Table(Protocol):
    """A table of items under two keys; values are what JSON knows. Every read is consistent."""

    def get(self, key: Key) -> Mapping[str, Any] | None: ...

    def get_many(self, keys: tuple[Key, ...]) -> tuple[Mapping[str, Any] | None, ...]:
        """In the order of `keys`."""
        ...

    def query(self, pk: str, prefix: str) -> tuple[Mapping[str, Any], ...]:
        """All items whose `sk` begins with `prefix`, in the order of `sk`; each has its `pk` and `sk`."""
        ...

    def backwards(self, pk: str, prefix: str) -> Iterator[Mapping[str, Any]]:
        """The same, last first, read as far as somebody asks: for a look at the end of what may be long."""
        ...

    def transact(self, *operations: Operation) -> None:
        """All or nothing, at most 100 operations on different items; raises ConditionFailed."""
        ...
