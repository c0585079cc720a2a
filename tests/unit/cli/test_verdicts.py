"""What a person reads about files: in full of a few, the gist of many, and where lies what was taken out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from retide.cli.story import tell
from retide.domain import layout
from retide.domain.ledger import Arrival
from tests.unit.cli.test_story import ARRIVAL, DECISION, EVALUATION, FAULT, Records, words

VERDICT: dict[str, Any] = {"rows": 0, "rules": "r", "curated": None, "findings": [], "profile": None}
WARNING = {**FAULT, "rule": "drift", "column": "site", "expected": "the sites of May", "severity": "warn"}
TAKEN = {**FAULT, "rule": "required", "column": "age", "expected": "an age", "rows": 12, "severity": "quarantine"}


def refused(*findings: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**VERDICT, "findings": list(findings)}


def plainly(text: str) -> str:
    """Without the lines that the console makes."""
    return " ".join(text.split())


def test_what_refuses_a_file_comes_first_then_what_was_taken_out_then_warnings() -> None:
    records = Records()
    records.end_object("quarantined", refused(WARNING, TAKEN, FAULT))
    told = words(records.story())
    assert [line.split()[0] for line in told.splitlines() if ": expected" in line] == ["✗", "~", "!"]


def test_a_check_is_called_a_check_and_no_column() -> None:
    records = Records()
    records.end_object("quarantined", refused({**FAULT, "rule": "check:in_order", "column": "in_order"}))
    told = plainly(words(records.story()))
    assert "check in_order: expected" in told
    assert "column in_order" not in told


def test_advice_that_several_findings_share_is_given_once_after_them() -> None:
    records = Records()
    records.end_object("quarantined", refused(FAULT, {**FAULT, "column": "age"}, {**FAULT, "advice": "Ask for it."}))
    told = [line.strip() for line in words(records.story()).splitlines() if "→" in line]
    assert told[:2] == ["→ Check the unit.", "→ Ask for it."]


def test_beyond_the_first_rows_the_rest_is_counted() -> None:
    records = Records()
    records.end_object("quarantined", refused(TAKEN))
    assert "row 3: '-1001', and 11 more rows" in plainly(words(records.story()))


def test_a_refused_file_says_where_it_lies() -> None:
    records = Records()
    records.end_object("quarantined", refused(FAULT))
    place = layout.quarantined("tumour", ARRIVAL.id)
    assert f"The file: {place} in the data bucket, its report.json beside it" in plainly(words(records.story()))


def test_a_file_accepted_in_part_says_how_many_rows_are_missing_where_they_lie_and_what_to_do() -> None:
    records = Records(outcome="approved")
    records.end_object("accepted", refused(TAKEN))
    records.table.items["model#tumour", f"object#{ARRIVAL.id}"].update({"rows": 2988, "rejected": 12})
    told = plainly(words(records.story()))
    for said in (
        "accepted in part: 12 of 3,000 rows quarantined",
        f"The rows, with their numbers: {layout.quarantined_rows('tumour', ARRIVAL.id)} in the data bucket",
        "Send them again once they are corrected, as a file of their own.",
    ):
        assert said in told


def many(count: int) -> Records:
    """A run of this many files, of which the last one alone is refused, for five reasons."""
    arrivals = [
        Arrival(f"incoming/tumour/{n:02d}.csv", "v1", "e", 9, "01", f"2026-01-01T00:00:{n:02d}+00:00")
        for n in range(count)
    ]
    records = Records(objects=tuple(arrival.id for arrival in arrivals))
    for arrival in arrivals:
        records.ledger.arrive("tumour", arrival)
        records.table.items["model#tumour", f"object#{arrival.id}"].update({"state": "accepted", "rows": 5})
    key = layout.verdict("tumour", arrivals[-1].id)
    records.objects.put(key, json.dumps(refused(*[FAULT] * 5)).encode())
    last = records.table.items["model#tumour", f"object#{arrivals[-1].id}"]
    last.update({"state": "quarantined", "verdict": key})
    return records


def test_of_many_files_the_troubled_ones_come_first_in_their_gist_and_the_rest_is_counted() -> None:
    records = many(9)
    told = words(tell(records.run, records.ledger, records.objects, most=4), width=200)
    named = [line.strip() for line in told.splitlines() if line.strip().startswith("incoming/")]
    assert named[0] == "incoming/tumour/08.csv (9 bytes, 5 rows): quarantined"
    assert len(named) == 4
    assert told.count("✗") == 3
    assert "2 more findings, with rows and advice: `retide explain incoming/tumour/08.csv`" in told
    assert "5 other files: accepted" in told
    assert "Started because 9 files arrived." in told


def test_one_file_of_many_is_told_in_full_where_it_is_asked_for() -> None:
    records = many(9)
    told = words(tell(records.run, records.ledger, records.objects, only=records.run.objects[-1], most=4), width=200)
    assert told.count("✗") == 5
    assert "00.csv" not in told


def test_programs_are_told_of_every_file() -> None:
    records = many(30)
    assert len(tell(records.run, records.ledger, records.objects).files) == 30


def test_a_dataset_that_differs_as_a_whole_says_in_what() -> None:
    records = Records(dataset="abc", rows=3)
    manifest = {"drift": {"reference": "d0", "psi": {}, "findings": [WARNING]}}
    records.objects.put(layout.dataset("tumour", "abc", "manifest.json"), json.dumps(manifest).encode())
    told = plainly(words(records.story()))
    assert "As a whole it differs from what the champion of then learned from (1 finding): ! column site" in told


def test_a_rule_of_the_gate_that_only_warns_is_shown_as_a_warning() -> None:
    records = Records(outcome="kept")
    records.write("evaluation/evaluation.json", EVALUATION)
    warning = {"rule": "drift", "expected": "the same data", "seen": "0.9", "passed": False, "warns": True}
    records.write("decision.json", {**DECISION, "findings": [warning]})
    told = words(records.story())
    assert "! warning" in told
    assert "✗ failed" not in told
