"""The life of a local cloud as the command line handles it: what it starts, it ends when anything goes wrong."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

from retide.cli.failures import CliError
from retide.cli.output import Progress
from retide.cli.places import Places
from retide.cli.target import local_cloud, running_cloud
from retide.local.cloud import Running


@contextmanager
def started(places: Places, port: int | None, progress: Progress) -> Iterator[Running]:
    """A running cloud: the one that runs already, or a new one that is stopped again if the block fails."""
    running = running_cloud(places)
    if running is None:
        with fresh(places, port, progress, bound=False) as running:
            yield running
        return
    if port not in (None, running.port):
        raise CliError(f"a local cloud runs already on port {running.port}: use it, or stop it with `retide down`")
    progress.line("note", "local cloud", f"runs already at {running.endpoint_url}")
    yield running


@contextmanager
def fresh(places: Places, port: int | None, progress: Progress, *, bound: bool) -> Iterator[Running]:
    """A new cloud; whatever ends the block early, Ctrl-C too, ends the cloud with all that it has started."""
    cloud = local_cloud(places, port=port, bound=bound)
    progress.doing("starting the local cloud")
    try:
        running = cloud.start()
        progress.line("done", "local cloud started", running.endpoint_url)
        yield running
    except BaseException:
        with undisturbed():
            cloud.stop()
        raise


@contextmanager
def undisturbed() -> Iterator[None]:
    """No signal interrupts this: a second Ctrl-C must not leave half of a cloud behind."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, signal.SIG_IGN) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
