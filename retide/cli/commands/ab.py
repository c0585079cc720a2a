"""Commands `ab start`, `ab status` and `ab stop`: try a version beside the one that serves, and see which is right."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from retide.cli.ab_record import captured, errors, true_since
from retide.cli.ab_telling import told
from retide.cli.commands.decisions import find, who
from retide.cli.experiments import deployed
from retide.cli.failures import CliError, UsageProblem
from retide.cli.following import follow
from retide.cli.options import DEV, AsJson, StageName, TargetName, open_stage
from retide.cli.output import out, show_json
from retide.cli.stage import Stage
from retide.domain.ab_quality import score_for
from retide.domain.ab_report import report
from retide.domain.ab_test import MOST_PERCENT
from retide.domain.codec import serialise
from retide.domain.environment import package_group_name
from retide.domain.events import AbTestAsked, AbTestEnded, ab_end_message, ab_test_message
from retide.domain.ledger import AbEnding
from retide.domain.rollout import Verdict
from retide.steps.challengers import why_not_begun

ab = typer.Typer(no_args_is_help=True, help="Try a version beside the one that serves.")
Model = Annotated[str, typer.Argument(metavar="MODEL", help="A model whose contract has it served on instances.")]
Reason = Annotated[str, typer.Option("--reason", "-r", help="Kept with the test.")]
Follow = Annotated[bool, typer.Option("--watch", "-w", help="Follow it until nothing moves.")]
NO_WORD: Final = (
    "say how: --weight 0.1 has it answer a tenth of the requests, --shadow has it answer into the record only"
)


@ab.command()
def start(
    model: Model,
    challenger: Annotated[int, typer.Option("--challenger", "-c", min=1, help="A version that waits for approval.")],
    weight: Annotated[
        float | None, typer.Option("--weight", help=f"Its share of the requests, 0.01 to {MOST_PERCENT / 100}.")
    ] = None,
    shadow: Annotated[bool, typer.Option("--shadow", help="Copies of all requests; nobody hears its answers.")] = False,
    reason: Reason = "",
    watch: Follow = False,
    stage: StageName = DEV,
    target: TargetName = None,
) -> None:
    """Have a challenger answer beside the version that serves. It is checked first like any version."""
    percent = _percent(weight, shadow=shadow)
    opened = open_stage(stage, target)
    stands = opened.ledger.endpoint(opened.model(model))
    _check(opened, model, challenger)
    since, key = datetime.now(UTC), f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
    why = reason or f"asked by {who()}"
    opened.queue.send(ab_test_message(AbTestAsked(model, stands.version, challenger, percent, who(), why, key)))
    share = "in its shadow" if shadow else f"for {percent} % of the requests"
    out().print(f"asked that version {challenger} answer beside version {stands.version}, {share}", markup=False)
    if watch:
        follow(opened, (model,), since, also=lambda: opened.ledger.ab_test(model, key) is not None)
        _tell_begun(opened, model, key)


def _percent(weight: float | None, *, shadow: bool) -> int:
    if shadow and weight is None:
        return 0
    if shadow or weight is None:
        raise UsageProblem(NO_WORD)
    percent = round(weight * 100)
    if not 1 <= percent <= MOST_PERCENT:
        raise UsageProblem(f"--weight {weight:g} is not between 0.01 and {MOST_PERCENT / 100}: a challenger is a guest")
    return percent


def _check(stage: Stage, model: str, challenger: int) -> None:
    """What the system itself would refuse later is refused here in the same words."""
    stands = stage.ledger.endpoint(model)
    versions = tuple(stage.registry.versions(package_group_name(stage.name, model)))
    _, arn, _ = find(versions, model, challenger)
    why = why_not_begun(stage.registry.describe(arn), stage.name, model, stands)
    if why:
        raise CliError(f"{model} version {challenger} cannot be tried: {why}")


def _tell_begun(stage: Stage, model: str, key: str) -> None:
    test = stage.ledger.ab_test(model, key)
    if test is None or not test.began_at or test.ended_at:
        why = test.why if test else "it was refused; `retide ledger` says why"
        raise CliError(f"the test did not begin: {why}")
    out().print(f"it runs: {test}; `retide ab status {model}` tells what comes of it", markup=False)


@ab.command()
def stop(
    model: Model,
    promote: Annotated[bool, typer.Option("--promote", help="Approve the challenger: it is rolled out.")] = False,
    reason: Reason = "",
    watch: Follow = False,
    stage: StageName = DEV,
    target: TargetName = None,
) -> None:
    """End the test: the version that served before serves alone, or with --promote the challenger, as if approved."""
    opened = open_stage(stage, target)
    running = opened.ledger.endpoint(opened.model(model)).ab_test
    if not running:
        raise CliError(f"no A/B test of {model} runs: `retide ab status {model}` tells of the last one")
    since, why = datetime.now(UTC), reason or f"ended by {who()}"
    opened.queue.send(ab_end_message(AbTestEnded(model, running, promote, who(), why, f"{running}-end")))
    said = ", and that its challenger be approved" if promote else ""
    out().print(f"asked that the A/B test {running} end{said}", markup=False)
    if watch:
        follow(opened, (model,), since, also=lambda: _at_rest(opened, model, running, promote=promote))


def _at_rest(stage: Stage, model: str, name: str, *, promote: bool) -> bool:
    """The challenger is off, and one that is promoted has had a rollout of its own that came to an end."""
    stands, test = stage.ledger.endpoint(model), stage.ledger.ab_test(model, name)
    off = stands.ab_test != name and stands.as_asked and stands.owner is None
    if not promote or test is None or test.outcome != AbEnding.PROMOTED:
        return off
    ended = (one for one in stage.ledger.releases(model) if one.version == test.challenger)
    return off and any(Verdict(one.verdict).final for one in ended)


@ab.command()
def status(
    model: Model,
    truth: Annotated[
        Path | None, typer.Option("--truth", help="Rows with the id and the target; else what was accepted since.")
    ] = None,
    stage: StageName = DEV,
    target: TargetName = None,
    as_json: AsJson = False,
) -> None:
    """What both versions answered, where they differ, and which was right, as far as the truth is known."""
    opened = open_stage(stage, target)
    tests = opened.ledger.ab_tests(opened.model(model))
    if not tests:
        raise CliError(f"there was no A/B test of {model}: `retide ab start {model} --challenger VERSION --shadow`")
    test = tests[-1]
    contract = deployed(opened, model, opened.output("CodeUri")).contract
    found = report(
        test,
        captured(opened, test, model),
        true_since(opened, test, contract, truth),
        contract.id,
        score_for(contract.metric.name),
    )
    failed = errors(opened, test)
    if as_json:
        show_json({**serialise(found), "errors": failed})
    else:
        out().print(*told(found, contract, failed), sep="\n")
