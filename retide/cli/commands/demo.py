"""The story as a command: `demo` on this machine, `smoke` in a real account."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from retide.cli.failures import UsageProblem
from retide.cli.options import DEV, StageName
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


def smoke(
    yes: Annotated[
        bool, typer.Option("--yes", help="I know that this runs jobs in my account and costs some cents.")
    ] = False,
    stage: StageName = DEV,
) -> None:
    """The demo's data story against a stage in AWS, and what only AWS can show. Not verified on AWS yet."""
    if not yes:
        raise UsageProblem(f"this runs real jobs in stage {stage} of your AWS account and costs some cents: add --yes")
    from retide.demo.account import smoke_test

    smoke_test(stage)
