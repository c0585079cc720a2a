"""What holds for every test: a tier by its folder, no network beyond this machine, no AWS account within reach."""

import ipaddress
import os
import sys
from pathlib import Path, PurePosixPath
from typing import Any, Final

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

from tests.patience import SLACK

TESTS: Final = Path(__file__).resolve().parent
TIERS: Final = frozenset(
    {"unit", "contract", "functions", "training", "models", "infra", "loop", "architecture", "sdk", "serve"}
)
FIRST: Final = ("loop/delivery", "loop/story", "loop", "unit/proofs", "infra", "models", "contract", "training")
"""The folders that take longest, by the beginning of their names: whoever starts with them is not late at the end."""

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

RECURSION: Final = sys.getrecursionlimit()
"""As functions and jobs have it; a library of MiniStack's sets it ten times as high when it is imported."""

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


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        tier = item.path.relative_to(TESTS).parts[0]
        if tier not in TIERS:
            raise pytest.UsageError(f"{item.path}: tests live in one of {', '.join(sorted(TIERS))}, not in {tier!r}")
        item.add_marker(tier)
        item.add_marker(pytest.mark.timeout(_limit(item, config)), append=False)
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: _rank(folder(item.nodeid)))


def pytest_collection_finish() -> None:
    sys.setrecursionlimit(RECURSION)


def _limit(item: pytest.Item, config: pytest.Config) -> float:
    """After how many seconds a test counts as one that hangs, on this machine."""
    marker = item.get_closest_marker("timeout")
    return SLACK * float(marker.args[0] if marker else config.getini("timeout"))


class ByFolder(LoadScopeScheduling):  # type: ignore[misc]
    """Tests of one folder share a process, for they share what its conftest.py makes once."""

    def _split_scope(self, nodeid: str) -> str:
        return folder(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFolder:
    return ByFolder(config, log)


def folder(nodeid: str) -> str:
    """The folder of a test below tests/, e.g. loop/story."""
    return PurePosixPath(nodeid.partition("::")[0]).parent.as_posix().removeprefix("tests/")


def _rank(group: str) -> int:
    return next((rank for rank, name in enumerate(FIRST) if group.startswith(name)), len(FIRST))
