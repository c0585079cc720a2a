"""Which run comes next and who holds the model's lease."""

from __future__ import annotations

from typing import Any

from retide.domain.codec import parse
from retide.domain.intake import Deferral
from retide.domain.ledger import Head
from retide.ledger import keys
from retide.ledger.base import Base, fields, read_head
from retide.ports import ConditionFailed, Fenced, Put, Update, When


class Heads(Base):
    def next_attempt(self, model: str, seen: Head, *, died: bool = True) -> bool:
        """Give up the name of an execution that is used up; False when somebody else moved on first.

        Unless it `died`, somebody stopped it.
        """
        counted = {"stillborn": seen.stillborn + 1} if died else {}
        return self._move(model, seen, {"generation": seen.generation, "attempt": seen.attempt + 1, **counted})

    def take_lease(self, model: str, seen: Head, owner: str) -> int | None:
        """Make `owner` (an execution's ARN) the only writer; the new fencing token, or None if `seen` is outdated."""
        token = seen.token + 1
        place = {"generation": seen.generation, "attempt": seen.attempt}
        return token if self._move(model, seen, {**place, "owner": owner, "token": token}) else None

    def check(self, model: str, fence: int) -> None:
        """Raise Fenced unless the lease is still the one with this token: to be asked before acting outside."""
        self._write_fenced(model, fence)

    def free_lease(self, model: str, fence: int, *, again: bool, counted: bool = True, stillborn: bool = False) -> None:
        """End the lease; the next run is a new generation, or with `again` the next attempt at this one.

        Unless `counted`, the run is taken off its day's budget again; a `stillborn` one had claimed nothing.
        """
        seen = self.head(model)
        if seen.token != fence:
            raise Fenced(f"the lease of {model} has passed on: token {fence} is no longer valid")
        place = (seen.generation, seen.attempt + 1) if again else (seen.generation + 1, 1)
        values = {"generation": place[0], "attempt": place[1], "owner": None, "token": fence + 1}
        values |= {"stillborn": seen.stillborn + 1} if stillborn else {}
        values |= {} if counted else {"runs": max(0, seen.runs - 1)}
        self._write_fenced_update(model, fence, values)

    def drop_lease(self, model: str, fence: int) -> None:
        """End the lease where the next run has its name already."""
        self._write_fenced_update(model, fence, {"owner": None, "token": fence + 1})

    def defer(self, model: str, deferral: Deferral) -> None:
        """Remember why the model's next run is not started now; a run that begins takes it away."""
        self._table.transact(Put(keys.deferral(model), fields(deferral)))

    def standing(self, model: str) -> tuple[Head, Deferral | None]:
        """The head and what defers its next run, in one read."""
        head, deferral = self._table.get_many((keys.head(model), keys.deferral(model)))
        return read_head(head), None if deferral is None else parse(Deferral, deferral)

    def deferral(self, model: str) -> Deferral | None:
        item = self._table.get(keys.deferral(model))
        return None if item is None else parse(Deferral, item)

    def _write_fenced_update(self, model: str, fence: int, values: dict[str, Any]) -> None:
        try:
            self._table.transact(Update(keys.head(model), values, When(equals={"token": fence})))
        except ConditionFailed:
            raise Fenced(f"the lease of {model} has passed on: token {fence} is no longer valid") from None

    def _move(self, model: str, seen: Head, values: dict[str, Any]) -> bool:
        place = {
            "generation": seen.generation,
            "attempt": seen.attempt,
            "owner": seen.owner,
            "token": seen.token or None,
        }
        when = When(equals=place if seen.stored else {"generation": None})
        try:
            self._table.transact(Update(keys.head(model), values, when))
        except ConditionFailed:
            return False
        return True
