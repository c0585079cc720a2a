"""A fresh deployment in memory for each test."""

from __future__ import annotations

import pytest

from tests.unit.steps.world import World


@pytest.fixture
def world() -> World:
    return World()
