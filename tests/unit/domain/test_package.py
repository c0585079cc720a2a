"""Facts about a package: within the registry's limits, and read back as they were."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retide.domain.package import Facts

ALLOWED = re.compile(r"[\w\s.:/=+\-@]{1,256}")
TEXTS = st.text(max_size=400)


@given(st.builds(Facts, *([TEXTS] * 6), st.integers(0, 10**6), *([TEXTS] * 8)))
def test_whatever_the_facts_are_the_registry_takes_them(facts: Facts) -> None:
    properties = facts.to_properties()
    assert len(properties) <= 50
    assert all(ALLOWED.fullmatch(value) for value in properties.values())


def test_plain_facts_are_read_back_as_they_were() -> None:
    facts = Facts(
        "m-1-1", "job", "d", "c", "k", "a", 3, "accepted", "roc_auc", "0.9", "s3://b/runs/m/m-1-1/record.json", "e",
        "sklearn:1", "l", "0f1e2d",
    )  # fmt: skip
    assert Facts.from_properties(facts.to_properties() | {"added by a person": "x"}) == facts


@pytest.mark.parametrize("properties", [{}, {"run": "m-1-1"}])
def test_a_package_of_somebody_else_is_told_apart(properties: dict[str, str]) -> None:
    with pytest.raises(LookupError, match="not registered by a run"):
        Facts.from_properties(properties)
