"""Bring the stacks of a checkout into the local cloud with the real CDK, saying what happens."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from retide.cli.failures import CliError
from retide.cli.output import Progress
from retide.cli.places import Places
from retide.cli.target import Target
from retide.cli.toolkit import Doing, Seen, Toolkit, commit
from retide.contracts import MODELS, load_all
from retide.domain.reader import ContractError


def deploy(
    places: Places,
    target: Target,
    progress: Progress,
    *,
    project: Path | None = None,
    context: Mapping[str, str] | None = None,
    before: Callable[[Path], None] = lambda _: None,
) -> None:
    """Synthesise and deploy `project` (the checkout itself without it); bootstraps a cloud that was never deployed to.

    `context` are settings of the app that are to be others than those that are written down; `before` is told where
    the synthesised stacks lie, before anything of them is deployed.

    Raises CliError with the CDK's reason. What was deployed before a failure stays; the next call takes it from there.
    """
    running = target.running
    if running is None:
        raise CliError(f"this deploys to a local cloud; for AWS use `make deploy STAGE={target.stage}`")
    check_images(places, project or places.root)
    toolkit = _toolkit(places, target, project or places.root, context or {})
    progress.doing("synthesising the stacks")
    began = time.monotonic()
    with toolkit.synth() as synth:
        _bootstrap(toolkit, places, target, progress)
        synth.finish()
    progress.line("done", "stacks synthesised", "", time.monotonic() - began)
    before(toolkit.assembly)
    with toolkit.deploy() as deployment:
        deployment.finish(_teller(progress))


def check_images(places: Places, project: Path) -> None:
    """Raises CliError where a model could not be trained on this machine; what is wrong in contracts synthesis says."""
    with suppress(ContractError):
        for model, contract in load_all(project / MODELS).items():
            if contract.training.distributed:
                places.boosting_python(model)


def _toolkit(places: Places, target: Target, project: Path, more: Mapping[str, str]) -> Toolkit:
    log = places.logs / "deploy.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("", encoding="utf-8")
    context = {"stage": target.stage, "commit": commit(places.root), **more}
    return Toolkit(places.cdk(), project, target.environment(), log, context)


def _bootstrap(toolkit: Toolkit, places: Places, target: Target, progress: Progress) -> None:
    """Once for each life of a cloud, beside the synthesis: a note in its home says that it was done."""
    running = target.running
    note = places.home / "bootstrapped"
    if running is None or (note.exists() and note.read_text() == str(running.pid)):
        return
    began = time.monotonic()
    with toolkit.bootstrap(running.account, running.region) as bootstrap:
        bootstrap.finish()
    note.write_text(str(running.pid))
    progress.line("done", "cloud bootstrapped", "", time.monotonic() - began)


def _teller(progress: Progress) -> Callable[[Seen], None]:
    """Turns what the CDK says into progress, with the time that each stack took."""
    began = time.monotonic()

    def tell(seen: Seen) -> None:
        nonlocal began
        if isinstance(seen, Doing):
            progress.doing(seen.text)
            return
        progress.line("done", seen.stack, "deployed" if seen.changed else "no change", time.monotonic() - began)
        began = time.monotonic()

    return tell
