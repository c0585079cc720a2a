"""Commits, executions and actions for tests of deliveries: times count in minutes from one moment."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

from retide.cli.delivery.checkout import Commit
from retide.cli.delivery.outcomes import Delivery
from retide.cli.delivery.pipeline import Action, Definition, Execution
from retide.cli.delivery.pushes import Pushed, Way
from retide.local.codepipeline.filters import Patterns, PushFilter, Trigger

START = datetime(2026, 1, 1, tzinfo=UTC)
IGNORED = ("docs/**", "**/*.md", "*.md")
TRIGGER = Trigger("Source", (PushFilter(branches=Patterns(("main",)), files=Patterns(excludes=IGNORED)),))
STAGES = ("Source", "Build", "SelfUpdate", "Staging", "Approval", "Production")
DEFINITION = Definition("local/retide", "main", TRIGGER, STAGES)

KINDS = {"Source": ("Source", "CodeStarSourceConnection"), "Approval": ("Approval", "Manual")}


def minute(count: float) -> datetime:
    return START + timedelta(minutes=count)


def name(word: str) -> str:
    """A commit's name as git would give it."""
    return hashlib.sha1(word.encode(), usedforsecurity=False).hexdigest()


def commit(word: str, *files: str, at: float = 0) -> Commit:
    return Commit(name(word), f"Change {word}", "Ada", minute(at).isoformat(), files or ("functions/gate/handler.py",))


def execution(word: str, status: str = "Succeeded", at: float = 1, took: float = 10, **more: Any) -> Execution:
    return Execution(f"execution-{word}-{at:g}", status, minute(at), minute(at + took), name(word), **more)


def action(stage: str, status: str = "Succeeded", at: float = 1, **more: Any) -> Action:
    kind = KINDS.get(stage, ("Build", "CodeBuild"))
    built = {"external": f"retide-{stage.lower()}:1"} if kind[1] == "CodeBuild" else {}
    return Action(f"{stage}-{at:g}", stage, stage, *kind, status, minute(at), minute(at + 1), **{**built, **more})


def delivery(word: str = "a", status: str = "Succeeded", *actions: Action, **more: Any) -> Delivery:
    """One that has an execution with this status."""
    pushed = {key: more.pop(key) for key in ("by", "reverted") if key in more}
    summary = {key: more.pop(key) for key in ("summary", "stopped") if key in more}
    one = Pushed(commit(word), Way.DELIVERED, (execution(word, status, **summary),), **pushed)
    return Delivery(one, actions, **more)
