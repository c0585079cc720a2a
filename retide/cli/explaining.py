"""Tell a run's story in plain words: paragraphs and small tables that a person can check against the records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from retide.cli.measuring import measured
from retide.cli.output import counted, plain, seconds, shorten, table
from retide.cli.searching import search
from retide.cli.story import Story
from retide.cli.times import between, clock
from retide.cli.verdicts import STATES, brief, fault, told
from retide.domain import layout
from retide.domain.codec import serialise
from retide.domain.gate import Finding
from retide.domain.intake import Parked
from retide.domain.ledger import ObjectState, Release, RunRecord, Standing
from retide.domain.record import DIED, UNFINISHED

ENDINGS: Final = {
    "approved": "the model was approved and goes to the endpoint",
    "awaiting approval": "the model is sound and waits for a person: `retide approve {model}`",
    "kept": "the champion stays: the challenger is sound, but not the better model",
    "rejected": "the challenger is not fit to be served",
    "unchanged": "nothing new to learn: no training was needed",
    "insufficient": "there is not enough data to train on",
    "quarantined": "no file was usable: nothing was trained, the champion keeps serving",
    "empty": "no data is there to learn from",
    "stopped": "somebody stopped it: nothing starts again before newer data, new code, "
    "or `retide retrain --model {model}`",
    "timed out": "a job or a step took longer than it may: what this run had claimed waits for newer data, "
    "or `retide retrain --model {model}`",
    "waiting for quota": "SageMaker had no room: it is tried again a quarter of an hour later",
    "died": "its execution ended without a word: its work was taken over",
    "failed": "mend the cause, then deploy it, push newer data, or `retide retrain --model {model}`: "
    "what this run had claimed waits for that",
}
_KILLED: Final = "exit code: 137"  # 128 and the number of SIGKILL
FEW: Final = 3  # files that are told of in full


def explain(story: Story) -> RenderableType:
    return Group(*_parts(story))


def _parts(story: Story) -> Iterator[RenderableType]:
    yield Text(headline(story), style="bold")
    yield _indented(*_causes(story))
    if story.files:
        yield _section("Data")
        yield _indented(*_files(story))
        yield _indented(*_dataset(story))
    if story.evaluation and story.evaluation.challenger.tuning:
        yield _section("Search")
        yield _indented(*search(story.evaluation.challenger.tuning))
    if story.evaluation:
        yield _section("Evaluation")
        yield _indented(*measured(story.evaluation))
    if story.judgement:
        yield _section("Gate")
        yield _indented(_gate(story.judgement.findings))
    yield _section("Outcome")
    yield _indented(*_outcome(story))
    if story.run.steps:
        yield _section("Time")
        yield _indented(Text(_time(story)))
    if story.learned or story.parked:
        yield _section(f"Of {story.model} as a whole")
        yield _indented(*map(Text, _of_the_model(story)))


def _of_the_model(story: Story) -> Iterator[str]:
    for one in story.learned:
        which = f"Version {one.version}, which serves," if one.serves else f"Version {one.version}"
        yield f"! {which} learned from {_few(one.keys)}, deleted since."
    if any(one.serves for one in story.learned):
        yield f"`retide retrain --model {story.model}` makes a version without that."
    for letter in story.parked:
        yield f"! {dead(letter)}."


def dead(letter: Parked) -> str:
    """Of a message that died in the queue, and what to do about it."""
    why = f" ({plain(letter.why)})" if letter.why else ""
    return (
        f"The message of {plain(letter.subject)} is dead-lettered since {clock(letter.at)}{why}: "
        "once the cause is gone, `retide reconcile --redrive` sends it again"
    )


def _few(keys: Sequence[str]) -> str:
    more = f" and {counted(len(keys) - FEW, 'other')}" if len(keys) > FEW else ""
    return f"{', '.join(map(plain, keys[:FEW]))}{more}"


def headline(story: Story) -> str:
    run = story.run
    took = between(run.started_at, run.ended_at)
    ended = f", {seconds(took)}" if took is not None else ""
    return f"Run {run.run} of {story.model}: {run.outcome or run.state} (started {clock(run.started_at)}{ended})"


def _causes(story: Story) -> Iterator[Text]:
    if story.run.objects:
        yield Text(f"Started because {counted(len(story.run.objects), 'file')} arrived.")
    for request in story.run.requests:
        asked = f"; commit {shorten(request.commit)}" if request.commit else ""
        yield Text(f"Cause: {request.cause.value} ({request.reason.rstrip('.')}{asked}).")
    if story.run.commit:
        yield Text(
            f"Code: commit {shorten(story.run.commit)}{f', image {story.run.image}' if story.run.image else ''}."
        )


def _files(story: Story) -> Iterator[RenderableType]:
    """A few files in full; of many the gist, the troubled ones first, and the rest counted."""
    tell = told if len(story.files) <= FEW and not story.others else brief
    yield from (part for file in story.files for part in tell(file))
    for state, count in story.others.items():
        yield Text(f"{counted(count, 'other file')}: {STATES[ObjectState(state)]}")


def _dataset(story: Story) -> Iterator[RenderableType]:
    if story.run.dataset:
        rows = f" with {story.run.rows} rows" if story.run.rows is not None else ""
        yield Text(f"Dataset {shorten(story.run.dataset)}{rows}.")
    if story.drift:
        found = counted(len(story.drift), "finding")
        yield Text(f"As a whole it differs from what the champion of then learned from ({found}):")
        yield from (_indented(line) for finding in story.drift[:FEW] for line in fault(finding))
    for mark in story.marks:
        yield Text(
            f"! It holds rows of {plain(mark.key)}, deleted {clock(mark.at)}, and the model learned from them: "
            f"`retide retrain --model {story.model}` makes one without them."
        )


def _gate(findings: tuple[Finding, ...]) -> Table:
    rows = table("rule", "expected", "seen", "")
    for finding in findings:
        failed = Text("! warning", "yellow") if finding.warns else Text("✗ failed", "red")
        verdict = Text("✓ passed", "green") if finding.passed else failed
        rows.add_row(Text(finding.rule), Text(finding.expected), Text(finding.seen), verdict)
    return rows


def _outcome(story: Story) -> Iterator[Text]:
    run = story.run
    if run.outcome:
        said = _ending(story)
        yield Text(f"{run.outcome}{': ' if said else ''}{said}.")
    else:
        yield Text("The run has not ended yet.")
    yield from (Text(f"Why: {reason}.") for reason in run.reasons)
    if any(reason.endswith(_KILLED) for reason in run.reasons):
        yield Text(
            "That is how the system ends a job for which there is no memory: in the contract, let it learn from fewer "
            "rows (sampling.rows), or give it a larger instance (training.instance_type)."
        )
    if run.outcome in UNFINISHED and run.job:
        yield Text(f"The job's log: {_job_log(run)}", style="dim")
    if story.version:
        yield Text(f"Registered as version {story.version}.")
    yield from map(Text, _approval(story))
    yield from (Text(_release(release)) for release in story.releases)
    if gone := story.withdrawal:
        yield Text(f"! Withdrawn {clock(gone.at)}, never to serve again: {plain(gone.reason)}")
    if run.state != DIED:  # who died could not write it
        yield Text(f"Record: {layout.run(run.run, story.model, 'record.json')} in the data bucket", style="dim")


def _approval(story: Story) -> Iterator[str]:
    """Who decided about the version, how, when and why."""
    found = story.approval
    if found is None or found.means is None:
        return
    at = f", {clock(found.decided_at)}" if found.decided_at else ""
    yield f"{str(found).capitalize()}{at}{f': {plain(found.reason)}' if found.reason else ''}."


def _ending(story: Story) -> str:
    outcome = story.run.outcome or ""
    if outcome == "awaiting approval" and story.approval and story.approval.standing is not Standing.AWAITING:
        return f"the model is sound, and it was {story.approval.standing.value} since"
    if outcome == "awaiting approval" and story.releases:  # a rollout says that the person has decided
        return "the model is sound, and a person approved it since"
    return ENDINGS.get(outcome, "").format(model=story.model)


def _job_log(run: RunRecord) -> str:
    kind, job = last_job(run)
    where = f"--log-group-name /aws/sagemaker/{kind}Jobs --log-stream-name-prefix {job}/"
    return f"aws logs filter-log-events {where} --query events[].message"


def last_job(run: RunRecord) -> tuple[str, str | None]:
    """Of which kind the last job was that the run came to, and its name."""
    reached = {step.name for step in run.steps}
    if "Evaluate" in reached:
        return "Processing", run.evaluation or run.job
    if run.boosting and "Assemble" not in reached:
        return "Training" if "Boost" in reached else "Processing", run.boosting
    return "Training", run.job


def _release(release: Release) -> str:
    reason = f": {release.reason}" if release.reason else ""
    return f"Rollout of version {release.version} (attempt {release.attempt}): {release.verdict}{reason}"


def _time(story: Story) -> str:
    spent = [f"{step.name} {seconds(step.seconds)}" for step in story.run.steps if step.seconds is not None]
    return " · ".join(spent)


def as_json(story: Story) -> Mapping[str, Any]:
    return {**serialise(story), "model": story.model, "version": story.version}


def _section(name: str) -> RenderableType:
    return Padding(Text(name, style="bold cyan"), (1, 0, 0, 0))


def _indented(*parts: RenderableType) -> RenderableType:
    return Padding(Group(*parts), (0, 0, 0, 2))
