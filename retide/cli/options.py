"""The options that several commands share, and opening the stage that they choose."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from retide.cli.output import tell
from retide.cli.places import Places
from retide.cli.stage import Stage
from retide.cli.target import Kind, Target, chosen_cloud, select

StageName = Annotated[
    str,
    typer.Option("--stage", envvar="RETIDE_STAGE", help="Which deployment: dev, staging or prod.", show_default=True),
]
TargetName = Annotated[
    str | None,
    typer.Option(
        "--target", envvar="RETIDE_TARGET", help="local or aws; without it the local cloud while one runs, else AWS."
    ),
]
ModelName = Annotated[str, typer.Option("--model", "-m", help="The model: a folder of training/models/.")]
AnyModel = Annotated[str | None, typer.Option("--model", "-m", help="Only this model.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
DEV = "dev"


def choose(stage: str, target: str | None) -> Target:
    """The cloud that the options choose; from here on this process talks to it."""
    chosen = select(target, stage, lambda: chosen_cloud(Places.here()))
    if chosen.kind is Kind.AWS and chosen.implied:
        tell(f"target: {chosen} (no local cloud is running)")
    chosen.enter(os.environ)
    return chosen


def open_stage(stage: str, target: str | None) -> Stage:
    return Stage(choose(stage, target))
