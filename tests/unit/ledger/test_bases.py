"""A run's basis: the first who asks fixes it, for all who ask again."""

import pytest

from retide.domain.context import Basis
from retide.domain.layout import RunId
from retide.ledger import Ledger
from retide.ports import Fenced
from tests.fakes import FakeClock, FakeTable

RUN = RunId("m", 1, 1)


@pytest.fixture
def ledger() -> Ledger:
    ledger = Ledger(FakeTable(), FakeClock())
    assert ledger.take_lease("m", ledger.head("m"), "arn:1") == 1
    return ledger


def test_the_first_proposal_is_the_basis_of_the_run_and_stays_it(ledger: Ledger) -> None:
    first = Basis("d1", (30, 20))
    assert ledger.basis(RUN) is None
    assert ledger.fix_basis(RUN, 1, first) == first
    assert ledger.fix_basis(RUN, 1, Basis("d2", (40,))) == ledger.basis(RUN) == first


def test_each_run_has_a_basis_of_its_own_and_one_without_a_champion_has_no_reference(ledger: Ledger) -> None:
    ledger.fix_basis(RUN, 1, Basis("d1"))
    assert ledger.fix_basis(RunId("m", 1, 2), 1, Basis()) == Basis(None, ())


def test_a_stale_holder_of_the_lease_fixes_nothing(ledger: Ledger) -> None:
    with pytest.raises(Fenced):
        ledger.fix_basis(RUN, 0, Basis("d1"))
    assert ledger.basis(RUN) is None
