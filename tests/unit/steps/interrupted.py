"""A table in the middle of whose use something else happens."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from retide.ports import Key, Operation
from tests.fakes import FakeTable


class Interrupted(FakeTable):
    """Just before one of the next looks at an item or writes, something else happens, once."""

    def __init__(self) -> None:
        super().__init__()
        self.left = 0
        self.meanwhile: Callable[[], object] = lambda: None

    def copy(self) -> Interrupted:
        """Another table with the same items."""
        other = Interrupted()
        other.items, other._sorted = dict(self.items), {pk: list(names) for pk, names in self._sorted.items()}
        return other

    def at(self, call: int, meanwhile: Callable[[], object]) -> None:
        """Before the call of this number, which counts from 1."""
        self.left, self.meanwhile = call, meanwhile

    def end(self) -> bool:
        """What was to happen in the middle happens now where it did not, as there were fewer calls: then False."""
        left, self.left = self.left, 0
        if left > 0:
            self.meanwhile()
        return left == 0

    def get(self, key: Key) -> Mapping[str, Any] | None:
        self._count()
        return super().get(key)

    def query(self, pk: str, prefix: str) -> tuple[Mapping[str, Any], ...]:
        self._count()
        return super().query(pk, prefix)

    def transact(self, *operations: Operation) -> None:
        self._count()
        super().transact(*operations)

    def _count(self) -> None:
        if self.left == 0:
            return
        self.left -= 1
        if self.left == 0:
            self.meanwhile()
