"""What a service of ours remembers: named things in the order of their creation."""

from __future__ import annotations

import threading

from retide.local.errors import ApiError


class Table[T]:
    """Thread-safe; a name is taken until it is removed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._items: dict[str, T] = {}

    def add(self, name: str, item: T, taken: ApiError) -> None:
        """Raises `taken` when the name is in use."""
        with self._lock:
            if name in self._items:
                raise taken
            self._items[name] = item

    def get(self, name: str) -> T | None:
        with self._lock:
            return self._items.get(name)

    def find(self, name: str, missing: ApiError) -> T:
        """Raises `missing` when there is none of that name."""
        item = self.get(name)
        if item is None:
            raise missing
        return item

    def remove(self, name: str) -> None:
        with self._lock:
            self._items.pop(name, None)

    def all(self) -> list[T]:
        with self._lock:
            return list(self._items.values())
