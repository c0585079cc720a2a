"""What the deployments of a model's code came to, and how far a request that one of them made has come."""

from __future__ import annotations

from retide.domain.codec import parse
from retide.domain.ledger import Announced, Answer
from retide.ledger import keys
from retide.ledger.base import Base, fields
from retide.ports import Put


class Announcements(Base):
    def note_announced(self, model: str, name: str, announced: Announced) -> None:
        """`name` is the deployment's own: a repeated call writes the same item again."""
        self._table.transact(Put(keys.announced(model, name), fields(announced)))

    def announced(self, model: str) -> tuple[Announced, ...]:
        """Oldest first."""
        found = (parse(Announced, item) for item in self._table.query(keys.partition(model), keys.ANNOUNCED))
        return tuple(sorted(found, key=lambda announced: announced.at))

    def answer(self, model: str, key: str) -> Answer | None:
        """How far the request with this key has come; None where nobody has taken it from the queue yet."""
        item = self._table.get(keys.request(model, key))
        return None if item is None else parse(Answer, item)
