"""Every mend, from both sides: our cloud behaves as AWS does, and MiniStack alone still does not."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import pytest

from tests.contract.local.account import Account
from tests.contract.local.probes import PROBES

Probe = Callable[[Account], bool]


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.__name__)
def test_the_local_cloud_behaves_as_aws_does(probe: Probe, ours: Account) -> None:
    assert probe(ours)


@pytest.mark.nightly  # MiniStack is pinned: this changes with the pin only
@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.__name__)
def test_ministack_alone_still_needs_this_mend(probe: Probe, ministack: Account) -> None:
    assert not _holds(probe, ministack), (
        f"MiniStack now does this by itself ({probe.__name__}): delete the mend in retide/local/mends and the probe"
    )


def _holds(probe: Probe, account: Account) -> bool:
    """A probe that breaks on the way did not find AWS's behaviour either."""
    try:
        return probe(account)
    except (AssertionError, KeyError, IndexError, TypeError):
        return False


def test_no_probe_is_left_out() -> None:
    assert len(PROBES) > 20
    assert all(inspect.isfunction(probe) for probe in PROBES)
