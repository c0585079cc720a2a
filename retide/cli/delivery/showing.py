"""Show pushes to a person: the list of them, and the whole road of one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from retide.cli.delivery.builds import Build
from retide.cli.delivery.outcomes import Delivery, Fate, named
from retide.cli.delivery.pipeline import Action
from retide.cli.output import counted, seconds, shorten, table
from retide.cli.times import brief
from retide.domain.codec import serialise

STYLES: Final[Mapping[Fate, str]] = {
    Fate.DEPLOYED: "green",
    Fate.FAILED: "red",
    Fate.REJECTED: "red",
    Fate.ROLLED_BACK: "red",
    Fate.STOPPED: "yellow",
    Fate.APPROVAL: "yellow",
    Fate.UNSEEN: "yellow",
}
MARKS: Final[Mapping[str, str]] = {"Succeeded": "✓", "Failed": "✗", "Abandoned": "✗", "InProgress": "…"}
FILES: Final = 8  # of a commit that are named
SUBJECT: Final = 40  # characters of a commit's first line


def listing(deliveries: Sequence[Delivery]) -> Table:
    rows = table("commit", "committed", "what", "outcome", ">took")
    for delivery in deliveries:
        took = duration(delivery)
        rows.add_row(
            Text(delivery.commit.short),
            Text(brief(delivery.commit.at, datetime.now(UTC))),
            Text(shorten(delivery.commit.subject, SUBJECT)),
            Text(delivery.text, STYLES.get(delivery.fate, "")),
            Text(seconds(took) if took is not None else "-"),
        )
    return rows


def road(delivery: Delivery, lines: Sequence[str]) -> RenderableType:
    """Everything about one push; `lines` are the last of the log of the build that failed."""
    return Group(*_parts(delivery, lines))


def _parts(delivery: Delivery, lines: Sequence[str]) -> Iterator[RenderableType]:
    commit = delivery.commit
    yield Text(f"Commit {commit.short} of {commit.author}: {commit.subject}", style="bold")
    yield _indented(Text(f"{counted(len(commit.files), 'file')} changed: {named(commit.files, FILES)}"))
    yield _indented(Text(f"Outcome: {delivery.text}", STYLES.get(delivery.fate, "")))
    if delivery.actions:
        yield _section("Road")
        yield _indented(_actions(delivery))
    if lines:
        yield _section("The last lines of the build")
        yield _indented(*(Text(line, style="dim") for line in lines))
    if delivery.effects:
        yield _section("Models")
        yield _indented(_effects(delivery))
    if any(effect.run for effect in delivery.effects):
        yield Text("why a run was decided so: `retide explain RUN --stage STAGE`", style="dim")


def _actions(delivery: Delivery) -> Table:
    rows = table("stage", "action", "", ">took", "")
    seen = ""
    for action in delivery.actions:
        stage, seen = ("" if action.stage == seen else action.stage), action.stage
        rows.add_row(stage, action.name, MARKS[action.status], _took(action), Text(_detail(action, delivery)))
    return rows


def _took(action: Action) -> str:
    """What is under way has no time yet: its last change may be long ago."""
    return "-" if action.status == "InProgress" else seconds((action.updated - action.started).total_seconds())


def _detail(action: Action, delivery: Delivery) -> str:
    """Why it failed, or who approved it."""
    if action.status in {"Failed", "Abandoned"}:
        build = (delivery.builds or {}).get(action.build)
        return (build.reason if build else "") or action.error or action.summary
    return action.summary if action.category == "Approval" else ""


def _effects(delivery: Delivery) -> Table:
    rows = table("stage", "model", "what followed")
    for effect in delivery.effects:
        rows.add_row(effect.stage, effect.model, Text("; ".join((effect.text, *effect.more))))
    return rows


def duration(delivery: Delivery) -> float | None:
    """Seconds from the start of the execution to its end; None while there is no end, or no execution."""
    execution = delivery.pushed.execution
    if execution is None or execution.running:
        return None
    return (execution.updated - execution.started).total_seconds()


def as_json(delivery: Delivery, lines: Sequence[str] = ()) -> dict[str, Any]:
    """For programs."""
    execution = delivery.pushed.execution
    return {
        "commit": serialise(delivery.commit),
        "fate": delivery.fate.value,
        "outcome": delivery.text,
        "execution": serialise(execution) if execution else None,
        "executions": [one.id for one in delivery.pushed.executions],
        "seconds": duration(delivery),
        "stages": list(delivery.stages),
        "actions": [_action_json(action, (delivery.builds or {}).get(action.build)) for action in delivery.actions],
        "models": [serialise(effect) for effect in delivery.effects],
        "log": list(lines),
    }


def _action_json(action: Action, build: Build | None) -> dict[str, Any]:
    return {**serialise(action), "build": serialise(build) if build else None}


def _section(name: str) -> RenderableType:
    return Padding(Text(name, style="bold cyan"), (1, 0, 0, 0))


def _indented(*parts: RenderableType) -> RenderableType:
    return Padding(Group(*parts), (0, 0, 0, 2))
