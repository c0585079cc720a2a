"""Side effects, counted: a fuse kills whoever is about to make, or has just made, the one that it is set to."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

Moment = Literal["before", "after"]


class Killed(BaseException):
    """SIGKILL: nothing of the function catches it, and nothing after it happens."""


@dataclass
class Effects:
    """`made` names the effects since `clear`, in order. The fuse burns once.

    A pause is the same without a death: whoever is about to make the effect is held up while something else happens.
    """

    made: list[str] = field(default_factory=list)
    fuse: tuple[int, Moment] | None = None
    pause: tuple[int, Callable[[], None]] | None = None

    def set_fuse(self, nth: int, moment: Moment) -> None:
        self.made, self.fuse = [], (nth, moment)

    def clear(self) -> None:
        self.made, self.fuse, self.pause = [], None, None

    def make[T](self, name: str, effect: Callable[[], T]) -> T:
        if self.pause is not None and self.pause[0] == len(self.made) + 1:
            (_, meanwhile), self.pause = self.pause, None
            meanwhile()
        self._burn("before")
        result = effect()
        self.made.append(name)
        self._burn("after", offset=0)
        return result

    def _burn(self, moment: Moment, offset: int = 1) -> None:
        if self.fuse == (len(self.made) + offset, moment):
            self.fuse = None
            raise Killed


class Watched:
    """A port whose writing methods are side effects; everything else is the port's own."""

    def __init__(self, port: Any, effects: Effects, writing: Iterable[str]) -> None:
        self._port = port
        self._effects = effects
        self._writing = frozenset(writing)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if name not in self._writing:
            return found
        kind = type(self._port).__name__

        def effect(*arguments: Any, **named: Any) -> Any:
            return self._effects.make(f"{kind}.{name}", lambda: found(*arguments, **named))

        return effect
