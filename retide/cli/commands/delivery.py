"""Commands about pushes: `remote` gives them a place to go, `delivery` says what becomes of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from retide.cli.commands.decisions import who
from retide.cli.delivery import hosting
from retide.cli.delivery.checkout import Checkout
from retide.cli.delivery.following import LOCAL, REMOTE, Following
from retide.cli.delivery.history import History
from retide.cli.delivery.hosting import Hosting
from retide.cli.delivery.outcomes import Delivery, Fate
from retide.cli.delivery.showing import as_json, listing, road
from retide.cli.failures import CliError
from retide.cli.options import AsJson, TargetName, choose
from retide.cli.output import Progress, out, show_json
from retide.cli.places import Places
from retide.cli.target import Kind

PROD = "prod"
LINES = 15  # of a failed build's log

CommitName = Annotated[str, typer.Argument(metavar="COMMIT", help="Its name, or the beginning of it.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it is kept with the decision.")]

delivery = typer.Typer(help="What became of every push.", no_args_is_help=True)


def remote(
    repository: Annotated[str, typer.Option("--repository", help="How the local git host calls it.")] = "local/retide",
    branch: Annotated[str, typer.Option("--branch", help="The branch whose pushes are delivered.")] = "main",
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="A setting of delivery: NAME=VALUE, for instance approval=no.")
    ] = None,
) -> None:
    """Make the local cloud a place to push to, with the real pipeline behind it: `git push retide`."""
    places, given = Places.here(), hosting.settings(overrides or [])
    target = choose(PROD, "local")
    checkout = Checkout.at(places.root)
    if target.running is None:
        raise CliError("no local cloud is running: start one with `retide up`")
    with Progress(out()).running() as progress:
        Hosting(checkout, target.running, repository, branch, given).begin(places, progress)
    out().print(
        f"push with `git push {hosting.REMOTE} HEAD:{branch}`; what is under way shows `retide delivery watch`",
        style="dim",
    )


@delivery.command("list")
def list_(
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=500, help="How many, newest first.")] = 20,
    target: TargetName = None,
    as_json_: AsJson = False,
) -> None:
    """Every push of the delivered branch with its outcome, newest first."""
    found = _open(target)[0].list(limit)
    if as_json_:
        show_json([as_json(one) for one in found])
    else:
        out().print(listing(found))
        out().print("the whole road of one: `retide delivery show COMMIT`", style="dim")


@delivery.command()
def show(commit: CommitName, target: TargetName = None, as_json_: AsJson = False) -> None:
    """The road of one push: its stages and times, why it failed, which retrain followed and what became of it."""
    history, _ = _open(target)
    found = history.show(commit)
    lines = history.last_lines(found, LINES)
    if as_json_:
        show_json(as_json(found, lines))
    else:
        out().print(road(found, lines))


@delivery.command()
def approve(commit: CommitName, reason: Reason = "", target: TargetName = None) -> None:
    """Let a push that waits for approval go to production."""
    _decide(commit, target, approved=True, reason=reason)
    out().print("approved: `retide delivery watch` follows it to production")


@delivery.command()
def reject(commit: CommitName, reason: Reason = "", target: TargetName = None) -> None:
    """Keep a push that waits for approval out of production."""
    _decide(commit, target, approved=False, reason=reason)
    out().print("rejected: it ends here, and the next push is not held up by it")


@delivery.command()
def watch(
    commit: Annotated[str | None, typer.Argument(metavar="[COMMIT]", help="Only this one, from its start.")] = None,
    target: TargetName = None,
) -> None:
    """Follow pushes through the pipeline, until each has its outcome or waits for a person; fails with the push."""
    history, kind = _open(target)
    whole = history.checkout.commit(commit) if commit else ""
    with Progress(out()).running() as progress:
        pace = LOCAL if kind is Kind.LOCAL else REMOTE
        seen = Following(history, progress, pace, datetime.now(UTC), whole).until_quiet()
    if not seen:
        out().print("nothing moves: what was pushed and what became of it says `retide delivery list`")
    _fail_with(seen)


def _open(target: str | None) -> tuple[History, Kind]:
    chosen = choose(PROD, target)
    return History(Checkout.at(Places.here().root), chosen), chosen.kind


def _decide(commit: str, target: str | None, *, approved: bool, reason: str) -> None:
    history, _ = _open(target)
    found = history.show(commit)
    execution = found.pushed.execution
    approval = history.pipeline.approval(execution.id) if execution and found.fate is Fate.APPROVAL else None
    if approval is None:
        raise CliError(f"commit {found.commit.short} does not wait for an approval: {found.text}")
    said = f"by {who()}{f': {reason}' if reason else ''}"
    history.pipeline.decide(approval, approved=approved, summary=said)


def _fail_with(seen: tuple[Delivery, ...]) -> None:
    bad = [delivery for delivery in seen if delivery.fate.bad]
    if bad:
        raise CliError(f"commit {bad[-1].commit.short} {bad[-1].text}")
