"""Commands `ab start`, `ab status` and `ab stop`: try a version beside the one that serves, and see which is right."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import RenderableType
from rich.text import Text

from retide.aws.captures import S3Captures
from retide.cli.commands.decisions import find, who
from retide.cli.experiments import deployed
from retide.cli.failures import CliError, UsageProblem
from retide.cli.following import follow
from retide.cli.options import DEV, AsJson, StageName, TargetName, open_stage
from retide.cli.output import out, show_json, table, tell
from retide.cli.stage import Stage
from retide.cli.times import clock
from retide.domain import layout
from retide.domain.ab_quality import FEWEST, score_for
from retide.domain.ab_report import Report, Side, report
from retide.domain.ab_test import MOST_PERCENT
from retide.domain.captured import Captured, read
from retide.domain.codec import serialise
from retide.domain.contract import Contract
from retide.domain.environment import package_group_name
from retide.domain.events import AbTestAsked, AbTestEnded, ab_end_message, ab_test_message
from retide.domain.hosting import CAPTURES, CHALLENGER, SHADOW, VARIANT
from retide.domain.ledger import AbEnding, AbTest
from retide.domain.rollout import Verdict
from retide.ports import ObjectGone
from retide.steps.challengers import why_not_begun

ab = typer.Typer(no_args_is_help=True, help="Try a version beside the one that serves.")
Model = Annotated[str, typer.Argument(metavar="MODEL", help="A model whose contract has it served on instances.")]
Reason = Annotated[str, typer.Option("--reason", "-r", help="Kept with the test.")]
Follow = Annotated[bool, typer.Option("--watch", "-w", help="Follow it until nothing moves.")]
DAY: Final = 86_400  # seconds of a sum of CloudWatch's
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
        _truth(opened, test, contract, truth),
        contract.id,
        score_for(contract.metric.name),
    )
    failed = errors(opened, test)
    if as_json:
        show_json({**serialise(found), "errors": failed})
    else:
        out().print(*told(found, contract, failed), sep="\n")


def errors(stage: Stage, test: AbTest) -> tuple[int, int]:
    """How often champion and challenger answered with an error of their own (5XX): what is captured are answers."""
    if not test.began_at:
        return 0, 0
    champion, challenger = (_errors_of(stage, test, variant) for variant in _variants(test))
    return champion, challenger


def _errors_of(stage: Stage, test: AbTest, variant: str) -> int:
    counted = stage.clients.cloudwatch.get_metric_statistics(
        Namespace="AWS/SageMaker",
        MetricName="Invocation5XXErrors",
        Dimensions=[{"Name": "EndpointName", "Value": test.endpoint}, {"Name": "VariantName", "Value": variant}],
        StartTime=datetime.fromisoformat(test.began_at),
        EndTime=datetime.fromisoformat(test.ended_at) if test.ended_at else datetime.now(UTC) + timedelta(minutes=1),
        Period=DAY,
        Statistics=["Sum"],
    )
    return int(sum(point["Sum"] for point in counted["Datapoints"]))


def _variants(test: AbTest) -> tuple[str, str]:
    return VARIANT, SHADOW if test.shadow else CHALLENGER


def captured(stage: Stage, test: AbTest, model: str) -> Iterator[Captured | None]:
    if not test.began_at:
        return
    captures = S3Captures(stage.clients.s3, stage.bucket, most=None)
    since = datetime.fromisoformat(test.began_at)
    for variant in _variants(test):
        for line in captures.lines(f"{CAPTURES}{model}/{test.endpoint}/{variant}/", since):
            yield read(line)


def _truth(stage: Stage, test: AbTest, contract: Contract, given: Path | None) -> dict[str, Any]:
    """Of the file that was given, or of what was accepted since the test began."""
    from retide.data.truth import truth_of  # only where rows are really read

    if not contract.id:
        tell(f"the contract of {contract.model} names no id: truth cannot be matched with answers")
        return {}
    with tempfile.TemporaryDirectory(prefix="retide-") as folder:
        scratch = Path(folder)
        files = [_typed(given, contract, scratch)] if given else list(_accepted(stage, test, contract.model, scratch))
        return truth_of(files, contract, scratch)


def _typed(given: Path, contract: Contract, scratch: Path) -> Path:
    """A file's rows as the judge would accept them; raises CliError where it would not."""
    from retide.data.judge import judge

    if not given.is_file():
        raise CliError(f"there is no file {given}")
    rows = scratch / "truth.parquet"
    verdict = judge(given, contract, keep=rows, name=str(given))
    if not verdict.accepted:
        raise CliError(f"{given} is refused: `retide validate {given} --model {contract.model}` says why")
    return rows


def _accepted(stage: Stage, test: AbTest, model: str, scratch: Path) -> Iterator[Path]:
    for one in stage.ledger.accepted(model):
        if test.began_at and one.arrived_at[:19] >= test.began_at[:19]:
            file = scratch / f"{one.curated}.parquet"
            try:
                stage.objects.download(layout.curated(model, one.curated), None, file)
            except ObjectGone:
                tell(f"the rows of {one.key} are gone: they are left out")
            else:
                yield file


def told(found: Report, contract: Contract, failed: tuple[int, int] = (0, 0)) -> Iterator[RenderableType]:
    test = found.test
    yield Text(f"A/B test {test.name}: {test}", style="bold")
    yield Text(f"  asked by {test.by}, {clock(test.asked_at)}: {test.reason}")
    yield Text(f"  {_state(test)}")
    rows = table("version", ">errors", ">answers", ">known rows", ">with truth", f">{found.score}")
    means = (found.gain.champion, found.gain.challenger) if found.gain else (None, None)
    sides = zip((found.champion, found.challenger), ("champion", "challenger"), failed, means, strict=True)
    for side, name, count, mean in sides:
        rows.add_row(*_row(side, name, count, mean))
    yield rows
    yield from map(Text, _differences(found))
    yield from map(Text, _quality(found, contract))


def _row(side: Side, name: str, failed: int, mean: float | None) -> tuple[str, ...]:
    score = "-" if mean is None else f"{mean:.4g}"
    counts = (failed, side.answers, side.known, side.scored)
    return f"{side.version} ({name})", *map(str, counts), score


def _state(test: AbTest) -> str:
    if test.ended_at:
        began = f"began {clock(test.began_at)}, " if test.began_at else "never began; "
        return f"{began}{test.outcome} {clock(test.ended_at)}: {test.why}"
    return f"runs since {clock(test.began_at)}" if test.began_at else "is on its way to the endpoint"


def _differences(found: Report) -> Iterator[str]:
    agreed = found.agreement
    if agreed and agreed.same is not None:
        yield f"Of {agreed.answers} requests that both answered, {agreed.same} got the same label from both."
    elif agreed:
        yield (
            f"Of {agreed.answers} requests that both answered, the values are {agreed.mean_difference:.4g} apart on "
            f"average, {agreed.largest_difference:.4g} at most."
        )
    if found.shift:
        yield f"Answers as a whole depart by a PSI of {found.shift.excess:.3f} beyond what chance explains."
    if found.unread:
        yield f"{found.unread} answers are no JSON, and are not looked at."


def _quality(found: Report, contract: Contract) -> Iterator[str]:
    gain = found.gain
    if gain is None:
        known = ", ".join(contract.id) or "id"
        yield (
            f"Not enough truth yet: {FEWEST} rows of each version are needed. It comes with accepted rows, or with "
            f"--truth FILE, and is matched by {known}, which is the InferenceId of a request (or in its row, where "
            "`serving.capture` is 100)."
        )
        return
    how = "row by row" if found.test.shadow else "two samples"
    yield (
        f"Gain in {found.score}, {how}: {gain.estimate:+.4g}, with 95 % confidence at every look between "
        f"{gain.low:+.4g} and {gain.high:+.4g}: the challenger is {_WORDS[gain.verdict]}."
    )


_WORDS: Final = {
    "better": "better (`retide ab stop --promote` approves it)",
    "worse": "worse",
    "undecided": "neither better nor worse, as far as one can see yet",
}
