"""The demo's story told to a deployed stage, on AWS or on a local cloud, as often as one likes."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import boto3

from retide.cli.following import follow
from retide.cli.output import Progress, out, seconds, table
from retide.cli.places import Places
from retide.cli.stage import Stage
from retide.cli.target import Kind, Target
from retide.demo.measures import Account, Measure
from retide.demo.samples import Sample, choose
from retide.demo.scenes import Scene, Scenes


def tell_story(target: Target, *, measure: bool) -> None:
    """Tell the story, check every part of it, and print what came of it; raises CliError where a check fails.

    `measure` adds what only an account can show.
    """
    began, progress, session = datetime.now(UTC), Progress(out()), boto3.Session()
    stage = Stage(target, session)
    _say_where(session, target, progress)
    sample = choose(Places.here().models, stage.models)
    told = list(_scenes(Scenes(stage, progress, sample.model), sample))
    _report(told, list(Account(session, stage, sample.model, began).measures()) if measure else [])


def _say_where(session: boto3.Session, target: Target, progress: Progress) -> None:
    """Who pays: asks AWS itself, so that missing or expired credentials end it here."""
    caller = session.client("sts").get_caller_identity()
    progress.title(f"Stage {target.stage} in account {caller['Account']}, {session.region_name}, as {caller['Arn']}")
    if target.kind is Kind.AWS and (endpoint := os.environ.get("AWS_ENDPOINT_URL")):
        progress.line("warning", "this is not AWS", f"AWS_ENDPOINT_URL is {endpoint}")


def _scenes(scenes: Scenes, sample: Sample) -> Iterator[Scene]:
    """A stage that has data goes on from there: nothing is deployed anew for the story's sake."""
    stage, progress, salt = scenes.stage, scenes.progress, time.time_ns()
    _settle(stage, progress)
    with TemporaryDirectory() as folder:
        files = Path(folder)
        if stage.ledger.head(sample.model).champion is None:
            progress.title("A first batch")
            yield scenes.first_batch(sample.batch(files / f"story-{salt}-1.csv", salt))
        progress.title("Another batch: a challenger meets the champion")
        yield scenes.second_batch(sample.batch(files / f"story-{salt}-2.csv", salt + 1))
        progress.title("A damaged batch")
        yield scenes.damaged_batch(sample.damaged(files / f"story-{salt}-damaged.csv", salt))


def _settle(stage: Stage, progress: Progress) -> None:
    """What the deployment itself has started comes to its end first, or the story would be told to two at once."""
    progress.title("What the deployment started")
    follow(stage, stage.models, datetime.now(UTC), also=lambda: stage.queue_length == 0, progress=progress)


def _report(told: list[Scene], measures: list[Measure]) -> None:
    rows = table("what happened", "what was decided", ">time")
    for scene in told:
        rows.add_row(scene.event, scene.decision, seconds(scene.seconds))
    console = out()
    console.print(rows)
    if measures:
        only = table("only the account can show", "seen")
        for measure in measures:
            only.add_row(measure.what, measure.seen)
        console.print(only)
