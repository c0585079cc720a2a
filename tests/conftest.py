"""What holds for every test: a tier by its folder, no network beyond this machine, no AWS account within reach."""

import ipaddress
import os
import sys
from pathlib import Path
from typing import Any, Final

import pytest

TESTS: Final = Path(__file__).resolve().parent
TIERS: Final = frozenset(
    {"unit", "contract", "functions", "training", "models", "infra", "loop", "architecture", "sdk"}
)
FIRST: Final = ("loop/delivery", "loop/story", "loop", "unit/proofs", "infra", "models", "contract", "training")
"""The groups that take longest, by the beginning of their names: whoever starts with them is not late at the end."""

ACCOUNTLESS: Final = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}
ONE_THREAD: Final = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
"""Tests run on every core already: threads of one test that wait for cores of another only burn them."""

REACHING: Final = ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_CA_BUNDLE", "RETIDE_HOME")


class NetworkRefused(BaseException):
    """A test reached for a host beyond this machine; not an Exception, so that no retry swallows it."""


def is_local(host: object) -> bool:
    """Whether a host, as sockets know it, is this machine; None and '' mean this machine's own addresses."""
    name = host.decode() if isinstance(host, bytes) else host
    if name is None or name in ("", "localhost") or str(name).endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(str(name).split("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def refuse_the_network(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.getaddrinfo" and not is_local(arguments[0]):
        raise NetworkRefused(f"a test looked up {arguments[0]!r}: tests reach nothing beyond this machine")
    if event == "socket.connect" and isinstance(arguments[1], tuple) and not is_local(arguments[1][0]):
        raise NetworkRefused(f"a test connected to {arguments[1]!r}: tests reach nothing beyond this machine")


def pytest_configure() -> None:
    for name in REACHING:
        os.environ.pop(name, None)
    os.environ.update(ACCOUNTLESS | ONE_THREAD)
    sys.addaudithook(refuse_the_network)


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        tier = item.path.relative_to(TESTS).parts[0]
        if tier not in TIERS:
            raise pytest.UsageError(f"{item.path}: tests live in one of {', '.join(sorted(TIERS))}, not in {tier!r}")
        item.add_marker(tier)
        item.add_marker(pytest.mark.xdist_group(_group(item)))
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: _rank(_group(item)))


def _group(item: pytest.Item) -> str:
    """Tests of one folder share a process, for they share what its conftest.py makes once."""
    return item.path.parent.relative_to(TESTS).as_posix()


def _rank(group: str) -> int:
    return next((rank for rank, name in enumerate(FIRST) if group.startswith(name)), len(FIRST))
