"""Which version a rollback goes back to, and what it is refused for."""

from __future__ import annotations

import pytest

from retide.cli.commands.rollback import chosen
from retide.cli.failures import CliError
from retide.domain.ledger import EndpointRecord, Release
from retide.ports import Status

VERSIONS = tuple((version, f"arn:{version}", Status.APPROVED) for version in (4, 3, 2, 1))
SERVED = tuple(Release(version, 1, f"arn:{version}", "promoted", "", "") for version in (1, 2, 4))


def choose(to: int | None = None, stands: EndpointRecord | None = None, **changed: Status) -> int:
    versions = tuple((version, arn, changed.get(f"v{version}", status)) for version, arn, status in VERSIONS)
    return chosen("m", to, stands or EndpointRecord(version=4), versions, SERVED)


def test_without_a_version_it_is_the_one_that_served_before() -> None:
    assert choose() == 2
    assert choose(v2=Status.REJECTED) == 1
    assert choose(stands=EndpointRecord(version=4, withdrawn=(2,))) == 1


def test_any_version_that_served_may_be_asked_for() -> None:
    assert choose(1) == 1


@pytest.mark.parametrize(
    ("to", "stands", "said"),
    [
        (3, EndpointRecord(version=4), r"cannot go back to version 3; .*: 2, 1$"),
        (9, EndpointRecord(version=4), r"cannot go back to version 9"),
        (4, EndpointRecord(version=4), r"cannot go back to version 4"),
        (None, EndpointRecord(version=1), r"version 4 is approved and on its way"),
        (None, EndpointRecord(version=4, withdrawn=(1, 2)), r"cannot go back from version 4; .*: none$"),
        (None, EndpointRecord(version=4, withdrawn=(4,)), "version 4 was withdrawn already"),
        (None, EndpointRecord(), "nothing was deployed yet"),
    ],
)
def test_what_cannot_be_gone_back_to_is_told_with_what_can(to: int | None, stands: EndpointRecord, said: str) -> None:
    with pytest.raises(CliError, match=said):
        choose(to, stands)
