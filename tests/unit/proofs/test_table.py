"""The table of docs/reliability.md has a row for every state, and says what the matrices find."""

from __future__ import annotations

import pytest

from tests.unit.proofs.table import PAGE, table, written
from tests.unit.proofs.test_errors import places


def test_every_state_that_calls_something_has_a_row_in_the_table() -> None:
    rows = [line.split("|")[1].strip() for line in written(PAGE.read_text(encoding="utf-8")).splitlines()[2:]]

    assert rows == [f"{machine}: {state}" for (machine, state), _ in places()]


@pytest.mark.nightly
@pytest.mark.timeout(600)
def test_the_table_says_what_the_matrices_find() -> None:
    assert written(PAGE.read_text(encoding="utf-8")) == table()
