"""The story of a run, put together from its records: cause, data, decision, registration, rollout."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import batched
from typing import Any, Final, Protocol

from retide.domain import layout
from retide.domain.codec import parse
from retide.domain.evaluation import Evaluation, read
from retide.domain.gate import Finding
from retide.domain.intake import Mark, Parked
from retide.domain.layout import RunId
from retide.domain.ledger import Approval, ObjectRecord, ObjectState, Release, RunRecord, Withdrawal
from retide.domain.verdict import Finding as Fault
from retide.domain.verdict import Verdict, read_finding
from retide.ledger import Ledger
from retide.ports import ObjectGone, Registry
from retide.steps.settle_approval import as_told

AT_ONCE: Final = 64  # verdicts that are read at a time


class Reader(Protocol):
    def get(self, key: str) -> bytes:
        """Raises ObjectGone."""
        ...

    def get_many(self, keys: Sequence[str]) -> tuple[bytes | None, ...]:
        """In the order of `keys`; None for what is not there."""
        ...


@dataclass(frozen=True, slots=True)
class File:
    """One object of a run and what was found in it."""

    record: ObjectRecord
    findings: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class Judgement:
    outcome: str
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Learned:
    """A registered version whose dataset held objects, by their keys, that were deleted since."""

    version: int
    keys: tuple[str, ...]
    serves: bool = False


@dataclass(frozen=True, slots=True)
class Story:
    """Whatever is known of one run; what has not happened, or not yet, is None or empty.

    `files` are those that are told of, `others` counts the rest by its state. `drift` is what is different about the
    dataset as a whole. Of the model, not of this run alone, are `learned` and what is `parked`.
    """

    run: RunRecord
    files: tuple[File, ...] = ()
    evaluation: Evaluation | None = None
    judgement: Judgement | None = None
    releases: tuple[Release, ...] = ()
    marks: tuple[Mark, ...] = ()
    others: Mapping[str, int] = field(default_factory=dict)
    drift: tuple[Fault, ...] = ()
    learned: tuple[Learned, ...] = ()
    parked: tuple[Parked, ...] = ()
    withdrawal: Withdrawal | None = None
    approval: Approval | None = None

    @property
    def model(self) -> str:
        return RunId.parse(self.run.run).model

    @property
    def version(self) -> int | None:
        """The registered package's version."""
        return _version(self.run)

    @property
    def quarantined(self) -> tuple[File, ...]:
        return tuple(file for file in self.files if file.record.state.value == "quarantined")


def tell(run: RunRecord, ledger: Ledger, objects: Reader, *, only: str = "", most: int | None = None) -> Story:
    """The story with every file, with the `most` troubled ones, or with the `only` one of that id."""
    model = RunId.parse(run.run).model
    chosen, others = _chosen(run, ledger, model, only, most)
    evaluated = _evaluation(run, model, objects)
    story = Story(run, tuple(_looked(chosen, objects)), evaluated, _judgement(run, model, objects))
    released = tuple(release for release in ledger.releases(model) if release.version == story.version)
    marks = ledger.marks(model, run.dataset) if run.dataset else ()
    drift = _drift(run.dataset, model, objects) if run.dataset else ()
    gone = ledger.withdrawal(model, story.version) if story.version else None
    counts = Counter(one.state.value for one in others)
    return replace(story, releases=released, marks=marks, others=counts, drift=drift, withdrawal=gone)


def with_approval(story: Story, ledger: Ledger, registry: Registry) -> Story:
    """The story with who decided about its version, as ledger and registry have it now; nothing is written."""
    if not story.run.package:
        return story
    try:
        package = registry.describe(story.run.package)
    except LookupError:
        return replace(story, approval=ledger.approval(story.model, story.version or 0))
    return replace(story, approval=as_told(ledger.approval(story.model, package.version), package))


def in_its_model(story: Story, ledger: Ledger, *, only: str = "") -> Story:
    """The story with what is known of its model: who learned from deleted data (of the `only` object of that id), and
    the messages that died.
    """
    parked = tuple(letter for letter in ledger.parked() if letter.model == story.model)
    return replace(story, learned=learned(story.model, ledger, only), parked=parked)


def learned(model: str, ledger: Ledger, only: str = "") -> tuple[Learned, ...]:
    """The version that serves first, then the newest."""
    erased: dict[str, list[str]] = {}
    for mark in ledger.marks(model):
        if only in ("", mark.object):
            erased.setdefault(mark.dataset, []).append(mark.key)
    champion = ledger.head(model).champion
    made = {version: run.dataset for run in ledger.runs(model) if (version := _version(run))}
    made |= {champion.version: champion.dataset} if champion else {}
    found = [
        Learned(version, tuple(sorted(erased[dataset])), champion is not None and version == champion.version)
        for version, dataset in made.items()
        if dataset in erased
    ]
    return tuple(sorted(found, key=lambda one: (one.serves, one.version), reverse=True))


def _version(run: RunRecord) -> int | None:
    tail = (run.package or "").rpartition("/")[2]
    return int(tail) if tail.isdigit() else None


def _chosen(
    run: RunRecord, ledger: Ledger, model: str, only: str, most: int | None
) -> tuple[list[ObjectRecord], list[ObjectRecord]]:
    """The files to tell of, and the others."""
    known = {record.id: record for record in ledger.objects(model)}
    found = [known[name] for name in run.objects if name in known and only in ("", name)]
    if most is not None:
        found.sort(key=lambda record: record.state is ObjectState.ACCEPTED and not record.rejected)
    return found[:most], found[most:] if most is not None else []


def _drift(dataset: str, model: str, objects: Reader) -> tuple[Fault, ...]:
    raw = _json(layout.dataset(model, dataset, "manifest.json"), objects)
    found = (raw or {}).get("drift") or {}
    return tuple(read_finding(one) for one in found.get("findings", ()))


def look(record: ObjectRecord, objects: Reader) -> File:
    """One object with what its verdict says."""
    (file,) = _looked([record], objects)
    return file


def _looked(records: list[ObjectRecord], objects: Reader) -> Iterator[File]:
    """Verdicts hold profiles: only some are in memory at a time."""
    for some in batched(records, AT_ONCE):
        keys = [record.verdict for record in some if record.verdict]
        found = dict(zip(keys, objects.get_many(keys), strict=True))
        for record in some:
            raw = found.get(record.verdict or "")
            yield File(record, Verdict.from_dict(json.loads(raw)).findings if raw else ())


def _evaluation(run: RunRecord, model: str, objects: Reader) -> Evaluation | None:
    key = layout.run(run.run, model, "evaluation/evaluation.json")
    try:
        return read(Evaluation, objects.get(key), key)
    except ObjectGone:
        return None


def _judgement(run: RunRecord, model: str, objects: Reader) -> Judgement | None:
    raw = _json(layout.run(run.run, model, "decision.json"), objects)
    return parse(Judgement, raw) if raw else None


def _json(key: str, objects: Reader) -> Mapping[str, Any] | None:
    try:
        value: Mapping[str, Any] = json.loads(objects.get(key))
    except ObjectGone:
        return None
    return value
