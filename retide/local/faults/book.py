"""The faults that were asked for, in that order: which of them strikes now, and how often each has."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass

from retide.local.faults.rules import Fault
from retide.local.interfaces import Json


@dataclass(slots=True)
class _Counted:
    """One fault with what it has seen and done."""

    name: str
    fault: Fault
    seen: int = 0
    struck: int = 0

    def strikes(self) -> bool:
        """Count one more occurrence; whether the fault is due at it."""
        self.seen += 1
        return self.seen >= self.fault.nth and self.is_left

    @property
    def is_left(self) -> bool:
        return self.fault.times == 0 or self.struck < self.fault.times

    def to_dict(self) -> Json:
        counts = {"seen": self.seen, "struck": self.struck, "used_up": not self.is_left}
        return {"id": self.name, "kind": self.fault.kind, **asdict(self.fault), **counts}


class Faults:
    """A book of faults that any thread may read and write. Used-up ones stay listed until they are removed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._counted: dict[str, _Counted] = {}

    def add(self, fault: Fault) -> Json:
        with self._lock:
            name = f"fault-{next(self._numbers)}"
            self._counted[name] = _Counted(name, fault)
            return self._counted[name].to_dict()

    def remove(self, name: str | None = None) -> list[str]:
        """Forget one fault, or all; the names of those that were there."""
        with self._lock:
            names = [known for known in self._counted if name in (None, known)]
            for known in names:
                del self._counted[known]
        return names

    def list(self) -> list[Json]:
        with self._lock:
            return [counted.to_dict() for counted in self._counted.values()]

    def strike[F: Fault](self, kind: type[F], concerns: Callable[[F], bool]) -> F | None:
        """The first fault of this kind that is due now; each one that is concerned counts the occurrence."""
        with self._lock:
            due = [
                (counted, fault)
                for counted in self._counted.values()
                if isinstance(fault := counted.fault, kind) and concerns(fault) and counted.strikes()
            ]
            for counted, fault in due[:1]:
                counted.struck += 1
                return fault
        return None
