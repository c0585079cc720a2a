"""The scenes of the demo's story: each sends something, follows what comes of it, and checks what the records say."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from retide.cli.commands.data import send
from retide.cli.following import follow
from retide.cli.output import Progress, counted
from retide.cli.stage import Stage
from retide.cli.story import Story, tell
from retide.cli.verdicts import fault
from retide.demo.checks import champion, expect, golden
from retide.domain.ledger import Cause, ObjectState, RunRecord

MODEL: Final = "tumour"
DECIDED: Final = frozenset({"approved", "kept"})


@dataclass(frozen=True, slots=True)
class Scene:
    """One line of the final table; `seconds` from the cause to the moment when nothing moved any more."""

    event: str
    decision: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Scenes:
    stage: Stage
    progress: Progress
    model: str = MODEL

    def first_batch(self, file: Path) -> Scene:
        story, took = self._send(file)
        expect(story.run.outcome == "approved", f"run {story.run.run} should be approved, not {story.run.outcome}")
        served = self._check_serving()
        return Scene(f"{_rows(story)} arrived", f"version {served} trained, approved and deployed", took)

    def second_batch(self, file: Path) -> Scene:
        before = champion(self.stage, self.model).version
        story, took = self._send(file)
        return Scene(f"{_rows(story)} arrived", self._decided(story, before), took)

    def damaged_batch(self, file: Path) -> Scene:
        before = champion(self.stage, self.model).version
        story, took = self._send(file, state=ObjectState.QUARANTINED)
        expect(
            story.run.outcome == "quarantined", f"run {story.run.run} should end quarantined, not {story.run.outcome}"
        )
        findings = [finding for bad in story.quarantined for finding in bad.findings]
        expect(bool(findings), f"run {story.run.run} should say what was wrong with {file.name}")
        self.progress.show(*(line for finding in findings for line in fault(finding)))
        expect(self._check_serving() == before, f"version {before} should keep serving")
        return Scene(
            "a damaged file arrived",
            f"quarantined: {counted(len(findings), 'thing')} wrong with it; version {before} serves on",
            took,
        )

    def change(self, make: Callable[[], None], cause: Cause, event: str) -> Scene:
        """Something other than data asks for a retrain: one run, and no more, answers it."""
        before, known = champion(self.stage, self.model).version, self._runs()
        since, began = datetime.now(UTC), time.monotonic()
        make()
        follow(self.stage, self.stage.models, since, also=lambda: bool(self._ended(known)), progress=self.progress)
        took, new = time.monotonic() - began, self._ended(known)
        expect(len(new) == 1, f"one run should answer the change, not {len(new)}")
        expect(
            cause.value in new[0].causes, f"run {new[0].run} should have the cause {cause.value}, not {new[0].causes}"
        )
        return Scene(event, self._decided(self._tell(new[0]), before), took)

    def _send(self, file: Path, state: ObjectState = ObjectState.ACCEPTED) -> tuple[Story, float]:
        """Put the file, follow it to its end, and tell the story of the run that judged it."""
        since, began = datetime.now(UTC), time.monotonic()
        sent = send(self.stage, self.model, file)
        self.progress.line("done", "PutObject", sent.key)
        follow(self.stage, (self.model,), since, also=lambda: self._state(sent.id) is not None, progress=self.progress)
        seen = self._state(sent.id)
        expect(seen is state, f"{sent.key} should be {state.value}, not {seen.value if seen else 'unknown'}")
        record = self.stage.ledger.object(self.model, sent.id)
        run = next((run for run in self.stage.ledger.runs(self.model) if record and run.run == record.run), None)
        if run is None:
            raise LookupError(f"{sent.key} was judged, yet its run is not in the ledger")
        return self._tell(run), time.monotonic() - began

    def _state(self, object_id: str) -> ObjectState | None:
        """How the object ended; None while it has not."""
        record = self.stage.ledger.object(self.model, object_id)
        return record.state if record and record.state.terminal else None

    def _tell(self, run: RunRecord) -> Story:
        return tell(run, self.stage.ledger, self.stage.objects)

    def _runs(self) -> frozenset[str]:
        return frozenset(run.run for model in self.stage.models for run in self.stage.ledger.runs(model))

    def _ended(self, known: frozenset[str]) -> list[RunRecord]:
        runs = [run for model in self.stage.models for run in self.stage.ledger.runs(model)]
        return [run for run in runs if run.run not in known and run.ended_at]

    def _check_serving(self) -> int:
        """The version that serves, after every golden record was asked of it."""
        agreed, first = golden(self.stage, self.model)
        version = champion(self.stage, self.model).version
        shown = ", ".join(f"{name} {_short(value)}" for name, value in first.items() if not isinstance(value, dict))
        self.progress.line("done", "invoke-endpoint", f"version {version}: {shown}")
        self.progress.line("done", "checked", f"{agreed} of {agreed} predictions are what the evaluation recorded")
        return version

    def _decided(self, story: Story, before: int) -> str:
        """The decision in words, checked: an approved challenger serves, any other leaves the champion in place."""
        outcome = story.run.outcome or ""
        expect(outcome in DECIDED, f"run {story.run.run} should be decided, not {outcome or story.run.state}")
        served = self._check_serving()
        if outcome == "approved":
            expect(served == story.version, f"version {story.version} was approved, yet version {served} serves")
            return f"version {served} promoted over {before}{_gain(story)}"
        expect(served == before, f"the challenger was {outcome}, yet version {served} serves instead of {before}")
        return f"{outcome}: version {before} stays{_gain(story)}; {'; '.join(story.run.reasons)}"


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _rows(story: Story) -> str:
    return f"{sum(file.record.rows or 0 for file in story.files)} rows"


def _gain(story: Story) -> str:
    evaluation = story.evaluation
    if evaluation is None or evaluation.gain is None or evaluation.champion is None:
        return ""
    name = evaluation.metric
    return f" ({name} {evaluation.champion.metrics[name]:.4f} → {evaluation.challenger.metrics[name]:.4f})"
