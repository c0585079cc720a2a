"""Patterns that are matched as GLOB: they take what the regular expression takes, and nothing else."""

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retide.data.globs import glob

SIGNS = list("AZMaz059_-:/, éß٣\n\t[]!*?\\^{}.")
atoms = st.sampled_from(
    ["[A-Z]", "[a-z]", "[0-9]", r"\d", "[A-Za-z0-9]", "[AZ]", "[a0-5]", "A", "z", "-", "_", ":", "/", "=", "'"]
)
patterns = st.lists(st.tuples(atoms, st.sampled_from(["", "{1}", "{2}"])).map("".join), min_size=1, max_size=4)
texts = st.text(st.sampled_from(SIGNS), max_size=6)


@settings(max_examples=120, deadline=None)
@given(patterns.map("".join), st.data())
def test_what_a_glob_takes_is_what_its_pattern_takes(pattern: str, data: st.DataObject) -> None:
    likely = st.from_regex(pattern, fullmatch=True, alphabet="AZMaz059_-:/='")
    seen = ["", pattern, *data.draw(st.lists(texts | likely, max_size=8))]
    query = "SELECT t, t GLOB $simple, regexp_full_match(t, $pattern) FROM (SELECT unnest($seen::VARCHAR[]) AS t)"
    with duckdb.connect() as connection:
        found = connection.execute(query, {"simple": glob(pattern), "pattern": pattern, "seen": seen}).fetchall()
    assert [text for text, simple, exact in found if simple != exact] == []
    assert len(found) == len(seen)


@pytest.mark.parametrize(
    "pattern",
    ["", "[A-Z]+", "A?", ".", "[^A]", r"\w", "(A)", "A|B", "[ A]", "A B", "A{0}", "A{2,}", "A{70}", "é", "[é]", "*"],
)
def test_what_is_no_pattern_of_fixed_length_and_visible_signs_stays_a_regular_expression(pattern: str) -> None:
    assert glob(pattern) is None
