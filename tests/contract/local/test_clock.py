"""The clock of our own services: held and moved by hand, it fires exactly what has become due."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retide.local.clock import Clock


@pytest.fixture
def clock() -> Iterator[Clock]:
    clock = Clock(start=1000.0)
    clock.hold()
    yield clock
    clock.close()


def test_a_held_clock_stands_still_until_it_is_advanced(clock: Clock) -> None:
    before = clock.seconds()
    clock.advance(90)
    assert clock.seconds() == before + 90


def test_a_clock_can_be_held_at_a_moment(clock: Clock) -> None:
    clock.hold(at=1_800_000_000.0)
    assert clock.now().isoformat() == "2027-01-15T08:00:00+00:00"


def test_a_released_clock_runs_on_from_where_it_stood(clock: Clock) -> None:
    clock.hold(at=5000.0)
    clock.release()
    assert 5000.0 <= clock.seconds() < 5060.0


def test_time_does_not_run_backwards(clock: Clock) -> None:
    with pytest.raises(ValueError, match="at least 0"):
        clock.advance(-1)


def test_a_cancelled_timer_never_fires(clock: Clock) -> None:
    fired = threading.Event()
    reached = threading.Event()
    clock.call_later(5, fired.set).cancel()
    clock.call_later(6, reached.set)
    clock.advance(10)
    assert reached.wait(10)
    assert not fired.is_set()


def test_a_timer_fires_by_itself_on_a_running_clock() -> None:
    clock, fired = Clock(), threading.Event()
    clock.call_later(0.01, fired.set)
    assert fired.wait(10)
    clock.close()


def test_a_broken_callback_does_not_stop_time(clock: Clock) -> None:
    reached = threading.Event()
    clock.call_later(1, lambda: 1 // 0)
    clock.call_later(2, reached.set)
    clock.advance(3)
    assert reached.wait(10)


@given(
    delays=st.lists(st.integers(min_value=0, max_value=50), max_size=12),
    step=st.integers(min_value=1, max_value=60),
)
def test_what_is_due_fires_in_order_and_nothing_else_does(delays: list[int], step: int) -> None:
    clock, fired, last = Clock(start=0.0), list[int](), threading.Event()
    clock.hold()
    for delay in delays:
        clock.call_later(delay, partial(fired.append, delay))
    clock.call_later(step, last.set)
    clock.advance(step)
    assert last.wait(10)
    clock.close()
    assert fired == sorted(delay for delay in delays if delay <= step)
