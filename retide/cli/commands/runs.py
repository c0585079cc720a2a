"""Commands that look: `watch` what happens, list the `runs`, `explain` one of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer

from retide.cli.certificates import version_of
from retide.cli.commands.decisions import parse_which
from retide.cli.explaining import as_json as story_as_json
from retide.cli.explaining import dead
from retide.cli.explaining import explain as explained
from retide.cli.failures import CliError
from retide.cli.following import follow
from retide.cli.options import DEV, AnyModel, AsJson, StageName, TargetName, open_stage
from retide.cli.output import listed, out, seconds, shorten, show_json, table
from retide.cli.stage import Stage
from retide.cli.story import in_its_model, tell, with_approval
from retide.cli.times import between, brief, clock
from retide.cli.tracing import recipe
from retide.domain.codec import serialise
from retide.domain.environment import package_group_name
from retide.domain.intake import Parked
from retide.domain.layout import RunId
from retide.domain.ledger import Approval, Means, ObjectRecord, RunRecord
from retide.ports import Status
from retide.steps.settle_approval import STANDINGS

AWAITING: Final = "awaiting approval"
SHOWN: Final = 20  # files of a run that are told of one by one


def watch(model: AnyModel = None, stage: StageName = DEV, target: TargetName = None) -> None:
    """Follow runs and rollouts live, until nothing moves any more."""
    opened = open_stage(stage, target)
    ended = follow(opened, opened.chosen(model), datetime.now(UTC))
    out().print(
        "nothing moves any more"
        if ended
        else "nothing moves: push a file to see something (what waits: `retide status`)"
    )


def runs(model: AnyModel = None, stage: StageName = DEV, target: TargetName = None, as_json: AsJson = False) -> None:
    """List every run: why it started, what it came to, how long it took."""
    opened = open_stage(stage, target)
    found = [record for name in opened.chosen(model) for record in opened.ledger.runs(name)]
    found.sort(key=lambda record: (record.started_at, record.run))
    if as_json:
        show_json([serialise(record) for record in found])
    elif not found:
        out().print("no run yet: push a file with `retide push FILE --model MODEL`", markup=False)
    else:
        _show(found, decisions(opened, found))


def decisions(stage: Stage, found: Iterable[RunRecord]) -> dict[str, Decided]:
    """By ARN, what was decided since about the packages with which these runs awaited approval."""
    models = {RunId.parse(record.run).model for record in found if record.outcome == AWAITING}
    known = {one.package: one for model in models for one in stage.ledger.approvals(model)}
    groups = (package_group_name(stage.name, model) for model in models)
    versions = (version for group in groups for version in stage.registry.versions(group))
    return {arn: Decided(status, known.get(arn)) for _, arn, status in versions}


@dataclass(frozen=True, slots=True)
class Decided:
    """What the registry says about a version, and what the ledger knows of that."""

    status: Status
    approval: Approval | None = None


def outcome(record: RunRecord, decided: Mapping[str, Decided]) -> str:
    """How it ended; of a run that awaited approval also what became of that, and how."""
    said = decided.get(record.package or "") if record.outcome == AWAITING else None
    if said is None or said.status is Status.PENDING:
        return record.outcome or record.state
    known = said.approval
    same = known is not None and known.means is not None and known.standing is STANDINGS[said.status]
    how = known.means.value if same and known and known.means else Means.CONSOLE.value
    return f"{STANDINGS[said.status].value} since ({how})"


def explain(
    subject: Annotated[
        str | None, typer.Argument(metavar="[RUN|OBJECT|MODEL[@VERSION]]", help="Without it: the newest run of all.")
    ] = None,
    stage: StageName = DEV,
    target: TargetName = None,
    as_json: AsJson = False,
) -> None:
    """Tell why something happened, in plain words: cause, data, figures, every rule of the gate, rollout."""
    opened = open_stage(stage, target)
    run, only = find(opened, subject)
    story = tell(run, opened.ledger, opened.objects, only=only, most=None if as_json else SHOWN)
    story = with_approval(story, opened.ledger, opened.registry)
    if run.run != subject:
        story = in_its_model(story, opened.ledger, only=only)
    if as_json:
        show_json(story_as_json(story))
    else:
        out().print(explained(story))
        if run.package:
            out().print(recipe(version_of(story.model, opened.registry.describe(run.package), opened.objects)))


def find(stage: Stage, subject: str | None) -> tuple[RunRecord, str]:
    """The run that the subject names: itself, a model's newest, or the one that judged an object, and its id."""
    if subject is None or subject in stage.models:
        return _newest(stage, stage.chosen(subject)), ""
    if run := _by_name(stage, subject):
        return run, ""
    if subject.partition("@")[0] in stage.models:
        return _of_version(stage, *parse_which(subject)), ""
    found = [record for model in stage.models for record in _objects(stage, model, subject)]
    if not found:
        if letter := died(stage.ledger.parked(), subject.removeprefix(f"s3://{stage.bucket}/")):
            raise CliError(dead(letter))
        raise CliError(
            f"{subject!r} is no run, no object and no model; models: {listed(stage.models)}; see `retide runs`"
        )
    newest = max(found, key=lambda record: record.arrived_at)
    run = _by_name(stage, newest.run) if newest.run else None
    if not run:
        raise CliError(f"{newest.key} arrived at {clock(newest.arrived_at)} and waits: no run has taken it yet")
    return run, newest.id


def died(letters: Iterable[Parked], key: str) -> Parked | None:
    """The message that told of an object, given by its key or file name, where it died in the queue."""
    return next((one for one in letters if key in (one.subject, one.subject.rpartition("/")[2])), None)


def _newest(stage: Stage, models: tuple[str, ...]) -> RunRecord:
    found = [record for model in models for record in stage.ledger.runs(model)]
    if not found:
        raise CliError(f"there is no run yet of {listed(models)}: push a file with `retide push FILE --model MODEL`")
    return max(found, key=lambda record: (record.started_at, record.run))


def _of_version(stage: Stage, model: str, version: int | None) -> RunRecord:
    """The run that registered the version."""
    made = {(run.package or "").rpartition("/")[2]: run for run in stage.ledger.runs(model) if run.package}
    if str(version) not in made:
        raise CliError(f"no run registered {model}@{version}; versions: {listed(sorted(made, key=int), 'none yet')}")
    return made[str(version)]


def _by_name(stage: Stage, name: str) -> RunRecord | None:
    try:
        run = RunId.parse(name)
    except ValueError:
        return None
    return stage.ledger.run(run) if run.model in stage.models else None


def _objects(stage: Stage, model: str, subject: str) -> Iterator[ObjectRecord]:
    """Objects by key, by s3:// address, by file name, or by id."""
    key = subject.removeprefix(f"s3://{stage.bucket}/")
    for record in stage.ledger.objects(model):
        if key in (record.key, record.id, record.key.rpartition("/")[2]):
            yield record


def _show(found: list[RunRecord], decided: Mapping[str, Decided]) -> None:
    rows = table("run", "outcome", "cause", "commit", ">rows", "dataset", "started", ">took")
    for record in found:
        rows.add_row(*_row(record, outcome(record, decided)))
    out().print(rows)
    out().print("why: `retide explain RUN`", style="dim")


def _row(record: RunRecord, ending: str) -> tuple[str, ...]:
    took = between(record.started_at, record.ended_at)
    cells: tuple[Any, ...] = (
        record.run,
        ending,
        listed(record.causes, "-"),
        shorten(record.commit or "-", 7),
        record.rows if record.rows is not None else "-",
        shorten(record.dataset or "-", 8),
        brief(record.started_at, datetime.now(UTC)),
        seconds(took) if took is not None else "-",
    )
    return tuple(str(cell) for cell in cells)
