"""A dataset's identity and window: functions of its content and of nothing else."""

from dataclasses import replace
from datetime import UTC
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retide.domain.contract import Window
from retide.domain.dataset import Part, Selection, dataset_id, rules_digest, select
from retide.domain.split import bucket_threshold
from tests.unit.data.tables import contract

days = st.datetimes(timezones=st.just(UTC)).map(lambda time: time.isoformat())
parts = st.lists(
    st.builds(Part, st.uuids().map(str), st.text(), st.just("v"), st.text(), st.integers(1), days), max_size=8
)


@given(parts, st.integers(1, 10))
def test_a_window_of_batches_is_the_end_of_the_list(given_parts: list[Part], batches: int) -> None:
    assert select(given_parts, Window(batches=batches)).parts == tuple(given_parts)[-batches:]


@given(parts, st.integers(1, 5000))
def test_a_window_of_days_keeps_the_order_and_the_newest(given_parts: list[Part], count: int) -> None:
    chosen = select(given_parts, Window(days=count))
    assert [part for part in given_parts if part in chosen.parts] == list(chosen.parts)
    assert max((part.event_to or "" for part in given_parts), default="") == max(
        (part.event_to or "" for part in chosen.parts), default=""
    )


@given(parts)
def test_without_a_window_everything_is_in(given_parts: list[Part]) -> None:
    assert select(given_parts, Window()) == Selection(tuple(given_parts))


@given(parts, st.text())
def test_the_id_does_not_depend_on_who_sent_the_rows(given_parts: list[Part], name: str) -> None:
    renamed = tuple(replace(part, id=name, key=name, version=name) for part in given_parts)
    assert dataset_id(Selection(renamed), contract()) == dataset_id(Selection(tuple(given_parts)), contract())


@given(parts.filter(lambda found: len({part.curated for part in found}) > 1))
def test_the_id_depends_on_the_order_because_newer_rows_replace_older_ones(given_parts: list[Part]) -> None:
    ordered = sorted(given_parts, key=lambda part: part.curated)
    turned = tuple(reversed(ordered))
    assert dataset_id(Selection(tuple(ordered)), contract()) != dataset_id(Selection(turned), contract())


def test_the_holdout_is_a_share_of_ten_thousand_buckets() -> None:
    assert bucket_threshold(contract({"holdout": 0.15})) == 1500


def test_a_window_longer_than_the_calendar_holds_everything() -> None:
    old = Part("a", "k", "v", "c", 1, "0001-01-02T00:00:00+00:00")
    assert select([old], Window(days=10_000)) == Selection((old,))


@pytest.mark.parametrize(
    ("others", "new"),
    [
        ({"checks": [{"name": "sane", "rule": "spend < 1e6"}]}, True),
        ({"unique": [{"columns": ["plan", "months"]}]}, True),
        ({"policy": {"reject_rows": 0.1}}, True),
        ({"drift": {"psi": 0.1}}, False),
        ({"drift": {"psi": 0.1, "severity": "refuse"}}, True),
        ({"rows": {"min": 100}}, False),
        ({"policy": {"min_rows": 100}}, False),
    ],
)
def test_data_is_judged_anew_when_what_can_refuse_it_changes(others: dict[str, Any], new: bool) -> None:
    assert (rules_digest(contract(others)) != rules_digest(contract())) is new
