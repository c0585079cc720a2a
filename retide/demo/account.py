"""The demo's story in a real account, against a stage that is deployed there. Not verified on AWS yet."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import boto3

from retide.cli.failures import CliError
from retide.cli.output import Progress, out, seconds, table
from retide.cli.stage import Stage
from retide.cli.target import select
from retide.demo.data import tumour_batches
from retide.demo.measures import Account, Measure
from retide.demo.scenes import MODEL, Scene, Scenes
from retide.domain.events import retrain_message
from retide.domain.ledger import Cause


def smoke_test(stage_name: str) -> None:
    """Tell the story and print what only the account can show; raises CliError where a check fails."""
    began, progress = datetime.now(UTC), Progress(out())
    session = boto3.Session()
    _say_where(session, stage_name, progress)
    stage = Stage(select("aws", stage_name, lambda: None), session)
    _check_fresh(stage)
    told = _story(stage, progress)
    _report(told, list(Account(session, stage, MODEL, began).measures()))


def _say_where(session: boto3.Session, stage: str, progress: Progress) -> None:
    """Who pays: asks AWS itself, so that missing or expired credentials end it here."""
    caller = session.client("sts").get_caller_identity()
    progress.title(f"Stage {stage} in account {caller['Account']}, {session.region_name}, as {caller['Arn']}")
    if endpoint := os.environ.get("AWS_ENDPOINT_URL"):
        progress.line("warning", "this is not AWS", f"AWS_ENDPOINT_URL is {endpoint}")


def _check_fresh(stage: Stage) -> None:
    """The story begins with a first batch: real data must never be mixed with it."""
    stage.model(MODEL)
    if stage.ledger.objects(MODEL):
        raise CliError(
            f"stage {stage.name} has data for {MODEL} already, and the story begins without: deploy it anew "
            f"(`make destroy STAGE={stage.name}`, `make deploy STAGE={stage.name}`), or use another stage"
        )


def _story(stage: Stage, progress: Progress) -> list[Scene]:
    scenes = Scenes(stage, progress)
    with _batches() as (first, second, damaged):
        progress.title("1 · A first batch")
        told = [scenes.first_batch(first)]
        progress.title("2 · A second batch")
        told.append(scenes.second_batch(second))
        progress.title("3 · A damaged batch")
        told.append(scenes.damaged_batch(damaged))
    progress.title("4 · A person asks for a retrain (no code is changed in your account)")
    told.append(scenes.change(lambda: _ask(stage), Cause.PERSON, "a person asked for a retrain"))
    return told


def _ask(stage: Stage) -> None:
    stage.queue.send(retrain_message(MODEL, Cause.PERSON, "the smoke test asks", f"smoke-{uuid.uuid4()}"))


@contextmanager
def _batches() -> Iterator[tuple[Path, ...]]:
    with TemporaryDirectory() as folder:
        yield tuple(tumour_batches(Path(folder)))


def _report(told: list[Scene], measures: list[Measure]) -> None:
    rows = table("what happened", "what was decided", ">time")
    for scene in told:
        rows.add_row(scene.event, scene.decision, seconds(scene.seconds))
    only = table("only the account can show", "seen")
    for measure in measures:
        only.add_row(measure.what, measure.seen)
    console = out()
    console.print(rows, only)
