"""Which A/B test is to run beside a model's deployed version, and how every one of them ended."""

from __future__ import annotations

from retide.domain.codec import parse
from retide.domain.ledger import AbEnding, AbTest
from retide.ledger import keys
from retide.ledger.base import Base, fields
from retide.ports import ConditionFailed, Put, Update, When


class AbTests(Base):
    def start_ab_test(self, model: str, test: AbTest) -> bool:
        """From now on this test is to run; False where its champion is not deployed any more, or another test is."""
        free = When(equals={"version": test.champion, "ab_test": None})
        wish = Update(keys.endpoint(model), {"ab_test": test.name}, free)
        try:
            self._table.transact(wish, Put(keys.ab_test(model, test.name), fields(test), When(absent=True)))
        except ConditionFailed:
            return False
        return True

    def end_ab_test(self, model: str, name: str, outcome: AbEnding, why: str) -> bool:
        """The test is not to run any more; False where it was not to: the first ending stays."""
        wish = Update(keys.endpoint(model), {"ab_test": None}, When(equals={"ab_test": name}))
        try:
            self._table.transact(wish, self._ab_ended(model, name, outcome, why))
        except ConditionFailed:
            return False
        return True

    def ab_test(self, model: str, name: str) -> AbTest | None:
        item = self._table.get(keys.ab_test(model, name)) if name else None
        return None if item is None else parse(AbTest, item)

    def ab_tests(self, model: str) -> tuple[AbTest, ...]:
        """In the order in which they were asked for, by their names."""
        return tuple(parse(AbTest, item) for item in self._table.query(keys.partition(model), keys.AB_TEST))

    def _ab_ended(self, model: str, name: str, outcome: AbEnding, why: str) -> Update:
        ended = {"ended_at": self._now(), "outcome": outcome.value, "why": why}
        return Update(keys.ab_test(model, name), ended)

    def _ab_began(self, model: str, name: str, endpoint: str) -> Update:
        """An attempt that comes after another one that had begun changes nothing of when that was."""
        known = self.ab_test(model, name)
        began = known.began_at if known and known.began_at else self._now()
        return Update(keys.ab_test(model, name), {"began_at": began, "endpoint": endpoint})
