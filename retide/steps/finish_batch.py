"""Finish batch: put every answer beside the key of its row, count what was predicted, and tell how it ended."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from retide.domain.batch import OUTPUT, Outcome, Places, Prepared, Trouble
from retide.domain.codec import parse, serialise
from retide.domain.ledger import BatchRecord
from retide.ledger import Ledger
from retide.ports import Clock, Objects

PARTS_AT_ONCE: Final = 8
FILES_AT_ONCE: Final = 400
REASON: Final = 1_000  # characters


@dataclass(frozen=True, slots=True)
class Tally:
    """What is counted so far, over `files` files."""

    files: int = 0
    refused: int = 0
    rows: int = 0
    predicted: int = 0
    bad: int = 0


@dataclass(frozen=True, slots=True)
class FinishBatchRequest:
    """`outcome` is that of the preparation, or `failed`; `reason` says why there are no answers."""

    model: str
    batch: str
    outcome: str
    reason: str
    tally: Tally


@dataclass(frozen=True, slots=True)
class BatchEnd:
    outcome: Outcome
    reason: str
    tally: Tally


class Lost(Exception):
    """The answers are not those of the rows that were asked."""


def finish_batch(request: FinishBatchRequest, *, ledger: Ledger, objects: Objects, clock: Clock) -> BatchEnd:
    """Repeated, it writes the same objects again."""
    if request.outcome in (Outcome.REFUSED, Outcome.FAILED):
        return _end(request, Outcome(request.outcome), request.reason, ledger, objects, clock)
    places = Places(request.model, request.batch)
    names: list[str] = json.loads(objects.get(places.files))
    tally, parts = request.tally, 0
    try:
        while tally.files < len(names) and parts < PARTS_AT_ONCE and tally.files - request.tally.files < FILES_AT_ONCE:
            prepared = _prepared(objects, places, tally.files)
            tally = _counted(tally, prepared, places, objects)
            parts += prepared.parts
    except Lost as lost:
        return _end(request, Outcome.FAILED, str(lost), ledger, objects, clock)
    if tally.files < len(names):
        return BatchEnd(Outcome.MORE, f"{tally.files} of {len(names)} files are done", tally)
    outcome = Outcome.PARTLY if tally.bad or tally.refused else Outcome.PREDICTED
    return _end(replace(request, tally=tally), outcome, _said(tally), ledger, objects, clock)


def _said(tally: Tally) -> str:
    said = [f"predicted {tally.predicted} of {_counted_in_words(tally.rows, 'row')}"]
    said[0] += f" of {_counted_in_words(tally.files, 'file')}"
    said += [_counted_in_words(tally.bad, "bad row")] if tally.bad else []
    said += [f"{_counted_in_words(tally.refused, 'file')} not read"] if tally.refused else []
    return "; ".join(said)


def _counted_in_words(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _prepared(objects: Objects, places: Places, number: int) -> Prepared:
    return _read(objects.get(places.prepared(number)))


def _read(document: bytes) -> Prepared:
    return parse(Prepared, json.loads(document))


def _counted(tally: Tally, prepared: Prepared, places: Places, objects: Objects) -> Tally:
    number, predicted, bad = tally.files, 0, 0
    for part in range(prepared.parts):
        found = _part(number, part, prepared.name, places, objects)
        predicted, bad = predicted + found[0], bad + found[1]
    if predicted + bad + prepared.bad != prepared.rows:
        raise Lost(f"{prepared.name} has {prepared.rows} rows, and {predicted + bad + prepared.bad} came back")
    return Tally(
        tally.files + 1,
        tally.refused + bool(prepared.problem),
        tally.rows + prepared.rows,
        tally.predicted + predicted,
        tally.bad + bad + prepared.bad,
    )


def _part(number: int, part: int, name: str, places: Places, objects: Objects) -> tuple[int, int]:
    """How many rows of a part were predicted, and how many were bad."""
    answered = [json.loads(line) for line in objects.get(places.answer(number, part)).splitlines() if line.strip()]
    good = [_prediction(line) for line in answered if "error" not in line[OUTPUT]]
    bad = [serialise(_trouble(line)) for line in answered if "error" in line[OUTPUT]]
    for lines, key in ((good, places.predictions(name, part)), (bad, places.bad_rows(name, part))):
        if lines:
            objects.put(key, "".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines).encode())
    return len(good), len(bad)


def _prediction(line: dict[str, Any]) -> dict[str, Any]:
    return {"row": line["row"], "key": line["key"], "prediction": line[OUTPUT]}


def _trouble(line: dict[str, Any]) -> Trouble:
    error = line[OUTPUT]["error"]
    return Trouble(line["row"], line["key"], error["field"], error["value"], error["reason"])


def _end(
    request: FinishBatchRequest, outcome: Outcome, reason: str, ledger: Ledger, objects: Objects, clock: Clock
) -> BatchEnd:
    record = ledger.batch_record(request.model, request.batch) or BatchRecord(request.batch, 0, "", "")
    tally, short = request.tally, reason[:REASON]
    ended = replace(
        record,
        outcome=outcome.value,
        reason=short,
        files=tally.files,
        refused=tally.refused,
        rows=tally.rows,
        predicted=tally.predicted,
        bad=tally.bad,
        ended_at=clock.now().isoformat(timespec="milliseconds"),
    )
    places = Places(request.model, request.batch)
    report = {**serialise(ended), "model": request.model, "problems": list(_problems(places, objects))}
    objects.put(places.report, json.dumps(report, indent=2, ensure_ascii=False).encode())
    ledger.end_batch(request.model, ended)
    return BatchEnd(outcome, short, tally)


def _problems(places: Places, objects: Objects) -> Iterator[dict[str, Any]]:
    """What is to be said of whole files, as far as they were read."""
    names = json.loads(objects.get(places.files))
    for raw in objects.get_many([places.prepared(number) for number in range(len(names))]):
        if raw is None:
            continue
        prepared = _read(raw)
        if prepared.problem or prepared.ignored:
            yield {"file": prepared.name, "problem": prepared.problem, "ignored_columns": list(prepared.ignored)}
