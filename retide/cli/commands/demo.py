"""The story, as `demo` on this machine and as `story` on a deployed stage; and `load` and `smoke` for such a stage."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from retide.cli.failures import UsageProblem
from retide.cli.options import DEV, StageName, TargetName, choose, open_stage
from retide.cli.output import Progress, out
from retide.cli.places import Places


def demo(
    keep: Annotated[
        bool | None,
        typer.Option(
            "--keep/--stop", help="Leave the cloud running at the end; without it only where there is a terminal."
        ),
    ] = None,
) -> None:
    """The whole story on real data: arrive, validate, train, judge, deploy, predict."""
    from retide.demo.local import Demo  # imports what only the demo needs

    Demo(Places.here(), keep=sys.stdout.isatty() if keep is None else keep).run()


def story(
    yes: Annotated[
        bool, typer.Option("--yes", help="I know that this runs jobs in my account and costs some cents.")
    ] = False,
    measure: Annotated[bool, typer.Option("--measure", help="Also print what only an account can show.")] = False,
    stage: StageName = DEV,
    target: TargetName = None,
) -> None:
    """The demo's data story against a deployed stage: it sends data, retrains, and checks what comes of it."""
    chosen = choose(stage, target)
    if not (yes or chosen.nearby):
        raise UsageProblem(f"this runs real jobs in stage {stage} of your AWS account and costs some cents: add --yes")
    from retide.demo.account import tell_story

    tell_story(chosen, measure=measure)


def load(
    requests: Annotated[int, typer.Option("--requests", "-n", min=1, help="For each endpoint.")] = 200,
    at_once: Annotated[
        int, typer.Option("--at-once", "-c", min=1, max=16, help="Fewer where the contract's max_concurrency is less.")
    ] = 4,
    stage: StageName = DEV,
    target: TargetName = None,
) -> None:
    """Ask every endpoint of a stage many times at once: none may fail, and most must be fast enough."""
    opened = open_stage(stage, target)
    from retide.demo.load import load_endpoints

    load_endpoints(opened, Places.here().models, requests=requests, at_once=at_once)


def smoke(stage: StageName = DEV, target: TargetName = None) -> None:
    """Whether a stage stands and answers: stacks, machines, endpoints and their golden records; changes nothing."""
    opened = open_stage(stage, target)
    from retide.demo.smoke import smoke as look

    look(opened, Progress(out()))
