"""The demo on this machine: a cloud of its own, deployed from a working copy, and the story told on it."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.table import Table

from retide.cli import deploying
from retide.cli.failures import CliError
from retide.cli.lifetime import fresh, undisturbed
from retide.cli.output import Progress, out, seconds, table
from retide.cli.places import Places
from retide.cli.stage import Stage
from retide.cli.target import Target
from retide.demo.change import CHANGED, change_model
from retide.demo.data import tumour_batches
from retide.demo.scenes import Scene, Scenes
from retide.demo.workcopy import copy_project
from retide.domain.ledger import Cause
from retide.local.cloud import LocalCloud, Running

STAGE = "dev"
LOOKING: Final = (
    ("every run", "retide runs"),
    ("why it was decided so", "retide explain tumour-2-1 (or a file's name, or a model)"),
    ("a run's record", "runs/tumour/tumour-2-1/record.json in the data bucket, which `retide status` names"),
    ("what serves", "retide status"),
    ("your own rows", "retide push FILE --model tumour --watch"),
    ("with the AWS CLI or boto3", 'eval "$(retide env)"'),
)
STOPPING: Final = (("stop the cloud", "retide down"),)
STARTING: Final = (("a cloud for these commands", "retide demo --keep, or retide up; this one stops now"),)


@dataclass(frozen=True, slots=True)
class Demo:
    """`keep`: leave the cloud running at the end."""

    places: Places
    keep: bool

    def run(self) -> None:
        """Tell the whole story; raises CliError, and leaves nothing running, when a check of it fails."""
        began = time.monotonic()
        progress = Progress(out())
        self._make_room(progress)
        with fresh(self.places, None, progress, bound=not self.keep) as running:
            self._note.write_text(str(running.pid))
            self._tell(running, progress, began)
        if not self.keep:
            with undisturbed():
                LocalCloud(self.places.home, {}).stop()
            progress.line("done", "local cloud stopped", "nothing is left running")

    def _tell(self, running: Running, progress: Progress, began: float) -> None:
        target = Target(STAGE, running)
        target.enter_here()
        self._deploy(target, progress, "The same stacks as on AWS, deployed by the real CDK")
        stage = Stage(target)
        scenes = Scenes(stage, progress)
        told = self._data_scenes(scenes, progress, began)
        progress.title(f"4 · The model's code changes: {CHANGED}, in a working copy")
        told.append(scenes.change(lambda: self._change(target, progress), Cause.CODE, "the model's code changed"))
        _close(told, self.keep)

    def _data_scenes(self, scenes: Scenes, progress: Progress, began: float) -> list[Scene]:
        first, second, damaged = tumour_batches(self._folder / "data")
        progress.title("1 · A first batch of tumour measurements is put to S3")
        told = [scenes.first_batch(first)]
        progress.line("note", "first prediction", f"{seconds(time.monotonic() - began)} after the start of the demo")
        progress.title("2 · A second batch: the challenger meets the champion on the same holdout")
        told.append(scenes.second_batch(second))
        progress.title("3 · A damaged batch")
        told.append(scenes.damaged_batch(damaged))
        return told

    def _change(self, target: Target, progress: Progress) -> None:
        change_model(self._project)
        self._deploy(target, progress)

    def _deploy(self, target: Target, progress: Progress, title: str = "") -> None:
        if title:
            progress.title(title)
            copy_project(self.places.root, self._project)
        with progress.running():
            deploying.deploy(self.places, target, progress, project=self._project)

    def _make_room(self, progress: Progress) -> None:
        """An earlier demo's cloud makes way; a cloud that somebody works with does not."""
        cloud = LocalCloud(self.places.home, {})
        running = cloud.running()
        if running and not (self._note.is_file() and self._note.read_text() == str(running.pid)):
            raise CliError(f"a local cloud runs already at {running.endpoint_url}: stop it first with `retide down`")
        if running:
            cloud.stop()
            progress.line("done", "earlier demo stopped", running.endpoint_url)
        self._folder.mkdir(parents=True, exist_ok=True)

    @property
    def _folder(self) -> Path:
        return self.places.home / "demo"

    @property
    def _project(self) -> Path:
        return self._folder / "project"

    @property
    def _note(self) -> Path:
        return self._folder / "cloud.pid"


def _close(told: list[Scene], keep: bool) -> None:
    console = out()
    rows = table(">", "what happened", "what was decided", ">time")
    for number, scene in enumerate(told, start=1):
        rows.add_row(str(number), scene.event, scene.decision, seconds(scene.seconds))
    console.print()
    console.print(rows)
    console.print(_further(keep))


def _further(keep: bool) -> Table:
    """The commands for what comes next; those that look at the demo's own cloud need it to be there still."""
    further = table("where to look further", "")
    for what, command in (*LOOKING, *(STOPPING if keep else STARTING)):
        further.add_row(what, command)
    if not shutil.which("retide"):
        further.add_row("where `retide` lies", 'export PATH="$PWD/.venv/bin:$PATH"')
    return further
