"""What a run leaves behind: its plan, its decision, its registration, and the record that tells the whole story."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from retide.domain.gate import Finding
from retide.domain.ledger import ObjectRecord, ObjectState, RunRecord, Step
from retide.domain.retrain import Outcome

RUNNING: Final = "running"
ENDED: Final = "ended"
DIED: Final = "died"
FAILED: Final = "failed"
STOPPED: Final = "stopped"
TIMED_OUT: Final = "timed out"
WAITING_FOR_QUOTA: Final = "waiting for quota"
UNFINISHED: Final = frozenset({FAILED, STOPPED, TIMED_OUT, WAITING_FOR_QUOTA})
"""Outcomes of runs that did not come to a decision: what they claimed is given back."""
REASON_LIMIT: Final = 2000
RETRAIN: Final = Outcome.RETRAIN.value
WORDS: Final = ("FailureReason", "ExitMessage", "errorMessage")
JOBS: Final[Mapping[str, str]] = {"Training": "training", "Processing": "processing", "HyperParameterTuning": "tuning"}
QUOTA: Final = frozenset({"SageMaker.ResourceLimitExceededException", "SageMaker.ResourceLimitExceeded"})
CAPACITY: Final = "CapacityError"
TIMEOUTS: Final = frozenset({"States.Timeout", "States.HeartbeatTimeout"})
OUT_OF_TIME: Final = frozenset({"MaxRuntimeExceeded", "MaxWaitTimeExceeded"})


@dataclass(frozen=True, slots=True)
class Plan:
    """plan.json: whether a retrain is worth it, from what and against whom (`champion` is a version, 0 for none)."""

    outcome: str
    reason: str
    job: str
    dataset: str
    rows: int
    code_digest: str
    contract_digest: str
    champion: int = 0
    champion_job: str = ""
    image: str = ""
    libs_digest: str = ""
    commit: str = ""
    evaluation: str = ""
    code_uri: str = ""
    libs_uri: str = ""
    hyperparameters: Mapping[str, str] = field(default_factory=dict)
    tuning: str = ""
    boosting: str = ""
    boosting_image: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """decision.json: what the gate decided, and about exactly which artefact."""

    outcome: str
    findings: tuple[Finding, ...]
    job: str
    artefact_digest: str
    dataset: str
    metric: str
    score: float
    evaluation_digest: str

    @property
    def reasons(self) -> tuple[str, ...]:
        return tuple(str(finding) for finding in self.findings if not finding.passed and not finding.warns)


@dataclass(frozen=True, slots=True)
class Registration:
    """registration.json: the package that the run made, and how its approval was decided."""

    outcome: str
    package: str
    reason: str


@dataclass(frozen=True, slots=True)
class Failure:
    """An error as a state machine catches it."""

    Error: str = ""
    Cause: str = ""

    @property
    def words(self) -> str:
        """The reason in the failed part's own words: of a job, a function or an API; never a traceback."""
        text = _told(self._cause) or self.Cause or "no reason was given"
        return f"{self.Error}: {text}"[:REASON_LIMIT] if self.Error else text[:REASON_LIMIT]

    @property
    def outcome(self) -> str:
        """Which end this is: out of quota or capacity, out of time, stopped by somebody, or simply failed."""
        cause = self._cause
        status = next((cause[f"{kind}JobStatus"] for kind in JOBS if f"{kind}JobStatus" in cause), "")
        if self.Error in QUOTA or str(cause.get("FailureReason", "")).startswith(CAPACITY):
            return WAITING_FOR_QUOTA
        if self.Error in TIMEOUTS or cause.get("SecondaryStatus") in OUT_OF_TIME or _took_all_its_time(cause):
            return TIMED_OUT
        return STOPPED if status in {"Stopped", "Stopping"} else FAILED

    @property
    def _cause(self) -> Mapping[str, Any]:
        """The cause as a failed job or function gives it: JSON; empty where it is plain words."""
        try:
            cause = json.loads(self.Cause)
        except ValueError:
            return {}
        return cause if isinstance(cause, Mapping) else {}


def _took_all_its_time(cause: Mapping[str, Any]) -> bool:
    """A processing job that runs too long is stopped without a word about it; its times are milliseconds."""
    if cause.get("ProcessingJobStatus") != "Stopped":
        return False
    try:
        took = cause["ProcessingEndTime"] - cause["ProcessingStartTime"]
        return bool(took >= 1000 * cause["StoppingCondition"]["MaxRuntimeInSeconds"])
    except (KeyError, TypeError):
        return False


def _told(cause: Mapping[str, Any]) -> str:
    """What a failed part says of itself; a job that was stopped says nothing, so that its status must do."""
    found = next((str(cause[name]) for name in WORDS if cause.get(name)), "")
    for kind, noun in () if found else JOBS.items():
        status, detail = cause.get(f"{kind}JobStatus"), cause.get("SecondaryStatus")
        if status:
            more = f" ({detail})" if detail and detail != status else ""
            found = f"the {noun} job {cause.get(f'{kind}JobName')} is {status}{more}"
    return found


@dataclass(frozen=True, slots=True)
class Documents:
    """What the run has written so far; each may be missing, depending on how far it came."""

    plan: Plan | None = None
    verdict: Verdict | None = None
    registration: Registration | None = None
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """record.json: the run with all that it was made of."""

    run: RunRecord
    objects: tuple[ObjectRecord, ...]
    plan: Plan | None
    decision: Verdict | None
    registration: Registration | None


def complete(
    run: RunRecord,
    outcome: str,
    documents: Documents,
    objects: Sequence[ObjectRecord],
    steps: tuple[Step, ...],
    ended_at: str,
) -> RunRecord:
    """The run as it ended."""
    plan, verdict, registration = documents.plan, documents.verdict, documents.registration
    return replace(
        run,
        state=ENDED,
        outcome=outcome,
        reasons=reasons(outcome, documents, objects),
        ended_at=ended_at,
        steps=steps,
        dataset=plan.dataset if plan else None,
        rows=plan.rows if plan else None,
        job=plan.job if plan and plan.outcome == RETRAIN else None,
        evaluation=plan.evaluation if plan and plan.outcome == RETRAIN else None,
        boosting=plan.boosting or None if plan and plan.outcome == RETRAIN else None,
        code_digest=plan.code_digest if plan else None,
        contract_digest=plan.contract_digest if plan else None,
        image=plan.image if plan else None,
        libs_digest=plan.libs_digest if plan else None,
        commit=plan.commit if plan and plan.commit else run.commit,
        champion=plan.champion if plan else None,
        decision=verdict.outcome if verdict else None,
        package=registration.package if registration else None,
    )


def reasons(outcome: str, documents: Documents, objects: Sequence[ObjectRecord]) -> tuple[str, ...]:
    """Why the run ended so, in words."""
    if documents.failure is not None:
        return (documents.failure.words,)
    if outcome in {"quarantined", "empty"}:
        return _without_data(objects)
    if documents.verdict and documents.verdict.reasons:
        return documents.verdict.reasons
    if documents.registration:
        return (documents.registration.reason,)
    return (documents.plan.reason,) if documents.plan else ()


def _without_data(objects: Sequence[ObjectRecord]) -> tuple[str, ...]:
    if not objects:
        return ("there is no accepted data to learn from",)
    counts = {state: sum(item.state is state for item in objects) for state in ObjectState}
    told = ", ".join(f"{count} {state.value}" for state, count in counts.items() if count)
    return (f"nothing to learn from: of {len(objects)} file{'' if len(objects) == 1 else 's'}, {told}",)


def document_bytes(document: Mapping[str, Any]) -> bytes:
    """A document's bytes: the same content is the same bytes."""
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False).encode()
