"""The commands of `retide` and their place in its help."""

from __future__ import annotations

from typing import Annotated

import typer

from retide import __version__
from retide.cli.commands import (
    ab,
    batch,
    cloud,
    data,
    decisions,
    delivery,
    demo,
    init,
    lineage,
    lint,
    openapi,
    operate,
    reproduce,
    rollback,
    runs,
    train,
    validate,
)

app = typer.Typer(
    name="retide",
    help="Event-driven MLOps on AWS, and the same system on this machine.",
    epilog="Commands talk to the local cloud while one runs (`retide up`), and to AWS as boto3 resolves it otherwise.",
    no_args_is_help=False,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)

THIS_MACHINE = "This machine"
DATA = "Data and predictions"
LOOK = "What happened"
DECIDE = "Decide"

GROUPS = {
    THIS_MACHINE: (demo.demo, cloud.up, cloud.deploy, cloud.env, delivery.remote, cloud.down),
    DATA: (data.push, data.predict, batch.batch, operate.backfill),
    LOOK: (cloud.status, runs.watch, runs.runs, runs.explain, lineage.lineage, reproduce.reproduce, operate.ledger),
    DECIDE: (decisions.retrain, decisions.approve, decisions.reject, rollback.rollback, operate.reconcile),
    "Models": (init.init, validate.validate, lint.lint, train.train, train.experiments, openapi.openapi),
    "A deployed stage": (demo.story, demo.load, demo.smoke),
}

for panel, commands in GROUPS.items():
    for command in commands:
        app.command(rich_help_panel=panel)(command)
app.add_typer(ab.app, name="ab", rich_help_panel=DECIDE)
app.add_typer(delivery.delivery, name="delivery", rich_help_panel=LOOK)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"retide {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
