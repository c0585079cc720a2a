"""The commands of `retide` and their place in its help."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import Annotated, Any, Final

import typer

from retide import __version__

WHERE: Final = (
    "Commands talk to the local cloud while one runs (`retide up`), and to AWS as boto3 resolves it otherwise."
)
THIS_MACHINE = "This machine"
DATA = "Data and predictions"
LOOK = "What happened"
DECIDE = "Decide"

PANELS: Final[Mapping[str, str]] = {
    THIS_MACHINE: "demo.demo cloud.up cloud.deploy cloud.env delivery.remote cloud.down",
    DATA: "data.push data.predict batch.batch operate.backfill",
    LOOK: "cloud.status runs.watch runs.runs runs.explain lineage.lineage reproduce.reproduce operate.ledger",
    DECIDE: "decisions.retrain decisions.approve decisions.reject rollback.rollback operate.reconcile",
    "Models": "init.init validate.validate lint.lint train.train train.experiments openapi.openapi",
    "A deployed stage": "demo.story demo.load demo.smoke",
}
"""Commands by panel, each as module and function of retide.cli.commands: only the one that is called is imported."""

GROUPS: Final[Mapping[str, str]] = {DECIDE: "ab.ab", LOOK: "delivery.delivery"}
"""Commands that have commands of their own."""


def app(words: Sequence[str] = ()) -> typer.Typer:
    """The command that the first word names; all of them where it names none, for its help and what was meant."""
    made = typer.Typer(
        name="retide",
        help="Event-driven MLOps on AWS, and the same system on this machine.",
        epilog=WHERE,
        no_args_is_help=False,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
    )
    made.callback(invoke_without_command=True)(root)
    for panel, place in _chosen(PANELS, words):
        made.command(rich_help_panel=panel)(_function(place))
    for panel, place in _chosen(GROUPS, words):
        made.add_typer(_function(place), name=_name(place), rich_help_panel=panel)
    return made


def _chosen(panels: Mapping[str, str], words: Sequence[str]) -> Iterator[tuple[str, str]]:
    first = words[0] if words else ""
    known = first in {"--version"} | {
        _name(place) for places in (*PANELS.values(), *GROUPS.values()) for place in places.split()
    }
    for panel, places in panels.items():
        yield from ((panel, place) for place in places.split() if not known or _name(place) == first)


def _name(place: str) -> str:
    return place.rpartition(".")[2]


def _function(place: str) -> Any:
    module, _, name = place.rpartition(".")
    return getattr(import_module(f"retide.cli.commands.{module}"), name)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"retide {__version__}")
        raise typer.Exit


def root(
    context: typer.Context,
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
