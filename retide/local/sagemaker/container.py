"""Stands in for Docker: an image is an interpreter, /opt/ml a folder, a container a process in its own session."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from retide.local.errors import invalid
from retide.local.folders import remove_tree
from retide.local.interfaces import Settings
from retide.local.processes import Registry, end_session

# /opt/ml as the beginning of a path: in a list of paths, after an "=", within a shell's command.
ROOTED: Final = re.compile(r"(?<![\w./~}-])/opt/ml(?![\w.-])")
PYTHONS: Final = ("python", "python3")
# All hosts of a cluster are this machine, which has no names for them.
NAMES: Final = """import socket

HOSTS = {}
lookup = socket.getaddrinfo


def getaddrinfo(host, *more, **others):
    return lookup("127.0.0.1" if host in HOSTS else host, *more, **others)


def gethostbyname(host):
    return getaddrinfo(host, None, socket.AF_INET)[0][4][0]


socket.getaddrinfo, socket.gethostbyname = getaddrinfo, gethostbyname
"""
# What the official images set for every process in them.
IMAGE_ENVIRONMENT: Final = {
    "PYTHONUNBUFFERED": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONIOENCODING": "UTF-8",
    "LANG": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
}


def interpreter(settings: Settings, image: str) -> Path:
    """The Python that stands for an image URI. Raises ValidationException for an image that has none."""
    name = image.rsplit("/", 1)[-1]
    python = settings.images.get(name)
    if python is None:
        known = ", ".join(sorted(settings.images)) or "none"
        raise invalid(
            f"The image {image} cannot run on the local cloud, which has an interpreter for: {known}. "
            f"Start it with --image {name}=PYTHON"
        )
    if not python.exists():
        raise invalid(f"The image {image} cannot run on the local cloud: its interpreter {python} is not there")
    return python


class Sandbox:
    """The file system of one container: `base` is what the container knows as /opt/ml.

    A job on several instances has a container on each, `peers` beside the first one, under names as AWS gives them.
    """

    def __init__(self, root: Path, host: str = "algo-1", peers: tuple[Sandbox, ...] = ()) -> None:
        self.root = root
        self.host = host
        self.hosts = (self, *peers)
        self.base = root / "ml"
        for folder in (self.base, root / "home", root / "tmp"):
            folder.mkdir(parents=True)

    @property
    def programs(self) -> Path:
        """What is found by its name, before what the machine has."""
        return self.root / "bin"

    @property
    def names(self) -> Path:
        """What makes Python resolve the names of the other hosts; there where there are any."""
        return self.root / "names"

    def path(self, inside: str) -> Path:
        """Where a path below /opt/ml is on this machine."""
        return Path(self.reroot(inside))

    def reroot(self, value: str) -> str:
        """Every path in a text that begins with /opt/ml begins with this sandbox's folder instead."""
        return ROOTED.sub(lambda _: str(self.base), value)

    def remove(self) -> None:
        remove_tree(self.root)


def cluster(root: Path, instances: int) -> Sandbox:
    """The first of so many sandboxes, with the others as its peers; Python finds them by their names."""
    names = [f"algo-{number}" for number in range(2, instances + 1)]
    first = Sandbox(root, peers=tuple(Sandbox(root / name, name) for name in names))
    for sandbox in first.hosts if names else ():
        sandbox.names.mkdir()
        (sandbox.names / "sitecustomize.py").write_text(NAMES.format(["algo-1", *names]), encoding="utf-8")
    return first


def command(sandbox: Sandbox, python: Path, words: Sequence[str]) -> list[str]:
    """The words of an entrypoint and its arguments, with the image's interpreter and the sandbox's paths."""
    rooted = [sandbox.reroot(word) for word in words]
    return [str(python), *rooted[1:]] if rooted[0] in PYTHONS else rooted


def environment(
    settings: Settings, sandbox: Sandbox, python: Path, given: Mapping[str, str], platform: Mapping[str, str]
) -> dict[str, str]:
    """All that a container sees; nothing of this machine's environment is inherited. `platform` is what AWS adds."""
    variables = {name: sandbox.reroot(value) for name, value in given.items()}
    if sandbox.names.is_dir():
        variables["PYTHONPATH"] = os.pathsep.join(filter(None, [str(sandbox.names), variables.get("PYTHONPATH")]))
    return {
        **IMAGE_ENVIRONMENT,
        "PATH": f"{python.parent}:{sandbox.programs}:/usr/local/bin:/usr/bin:/bin",
        "HOME": str(sandbox.root / "home"),
        "TMPDIR": str(sandbox.root / "tmp"),
        "AWS_REGION": settings.region,
        "AWS_DEFAULT_REGION": settings.region,
        **platform,
        **variables,
        "SAGEMAKER_BASE_DIR": str(sandbox.base),
    }


def access(settings: Settings, *, isolated: bool, token: str = "") -> dict[str, str]:
    """How a container reaches AWS. An isolated one gets no credentials, and here no address either."""
    if isolated:
        return {}
    session = {"AWS_SESSION_TOKEN": token} if token else {}
    return {
        "AWS_ENDPOINT_URL": settings.endpoint_url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_EC2_METADATA_DISABLED": "true",
        **session,
    }


class Container:
    """A running process; `on_exit` is called once, from a thread of its own, when it has ended."""

    def __init__(
        self,
        registry: Registry,
        words: Sequence[str],
        variables: Mapping[str, str],
        sandbox: Sandbox,
        log: Path,
        on_exit: Callable[[], object],
    ) -> None:
        """Raises OSError when the command cannot be started."""
        self._registry = registry
        self._on_exit = on_exit
        with log.open("ab") as output:
            self._process = registry.spawn(
                words, environment=variables, folder=sandbox.root, stdout=output, stderr=subprocess.STDOUT
            )
        self.exited = threading.Event()
        threading.Thread(target=self._reap, name=f"container-{self._process.pid}", daemon=True).start()

    @property
    def exit_code(self) -> int | None:
        """As a container reports it: 128 + n when signal n ended it. None while it runs."""
        code = self._process.returncode
        return 128 - code if code is not None and code < 0 else code

    def terminate(self) -> None:
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def clean_up(self) -> None:
        """End whatever is left of its session, daemons that it started included."""
        end_session(self._process.pid, self._registry)

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    def _reap(self) -> None:
        self._process.wait()
        self.kill()  # a container's other processes end with its first one
        self.exited.set()
        self._on_exit()
