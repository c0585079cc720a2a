"""A run's story, put together from its records and told in plain words."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from retide.cli.commands.runs import died
from retide.cli.explaining import as_json, explain, last_job
from retide.cli.output import plain
from retide.cli.story import Learned, Story, in_its_model, learned, tell
from retide.cli.verdicts import STATES
from retide.domain import layout
from retide.domain.codec import serialise
from retide.domain.intake import Mark, Parked
from retide.domain.ledger import Arrival, Cause, Champion, ObjectState, Release, Request, RunRecord, Step
from retide.domain.record import UNFINISHED
from retide.ledger import Ledger, keys
from retide.ports import Delete, Put, Update
from tests.fakes import FakeClock, FakeObjects, FakeTable

RUN = layout.RunId("tumour", 2, 1)
ARRIVAL = Arrival("incoming/tumour/may.csv", "v1", "etag", 2048, "01", "2026-01-01T00:00:00+00:00")
SCORES = {"job": "j", "artefact_digest": "d", "latency_ms": {}, "size_bytes": 1, "parity_max_abs": 0.0}
EVALUATION = {
    "model": "tumour",
    "task": "classification",
    "dataset": "abc",
    "metric": "roc_auc",
    "direction": "maximize",
    "holdout_rows": 122,
    "challenger": {**SCORES, "metrics": {"roc_auc": 0.97}},
    "champion": {**SCORES, "metrics": {"roc_auc": 0.99}},
    "gain": {"estimate": -0.02, "low": -0.03, "high": -0.01, "confidence": 0.95},
    "baseline": {"roc_auc": 0.5},
}
DECISION = {
    "outcome": "kept",
    "findings": [
        {"rule": "floor", "expected": "roc_auc ≥ 0.9", "seen": "0.97", "passed": True, "absolute": True},
        {"rule": "margin", "expected": "a gain of at least 0", "seen": "-0.02", "passed": False},
    ],
}
FAULT = {
    "rule": "range",
    "column": "mean_area",
    "expected": "0 to 7600",
    "seen": "1 row outside",
    "advice": "Check the unit.",
    "rows": 1,
    "examples": [{"row": 3, "value": "-1001"}],
    "severity": "refuse",
}


class Records:
    """A ledger and a bucket with one ended run."""

    def __init__(self, **changes: Any) -> None:
        self.table, self.objects = FakeTable(), FakeObjects()
        self.ledger = Ledger(self.table, FakeClock())
        self.ledger.arrive("tumour", ARRIVAL)
        self.run = RunRecord(
            **{
                "run": str(RUN),
                "execution": "arn",
                "state": "ended",
                "started_at": "2026-01-01T00:00:00+00:00",
                "ended_at": "2026-01-01T00:00:09+00:00",
                "objects": (ARRIVAL.id,),
                **changes,
            }
        )
        self.table.transact(Put(keys.run(RUN), serialise(self.run)))

    def write(self, name: str, value: object) -> None:
        self.objects.put(layout.run(str(RUN), "tumour", name), json.dumps(value).encode())

    def end_object(self, state: str, verdict: object) -> None:
        key = layout.verdict("tumour", ARRIVAL.id)
        self.objects.put(key, json.dumps(verdict).encode())
        item = self.table.items["model#tumour", f"object#{ARRIVAL.id}"]
        item.update({"state": state, "verdict": key, "rows": 269})

    def story(self) -> Story:
        return tell(self.run, self.ledger, self.objects)


def words(story: Story, width: int = 100) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(explain(story))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_run_that_just_began_has_a_story_of_what_is_known() -> None:
    told = words(Records(state="running", ended_at=None).story())
    assert "Run tumour-2-1 of tumour: running" in told
    assert "Started because 1 file arrived." in told
    assert "may.csv (2 KiB): waits" in told
    assert "The run has not ended yet." in told
    assert "Gate" not in told


def test_a_kept_challenger_is_told_with_both_scores_every_rule_and_the_reason() -> None:
    records = Records(
        outcome="kept", reasons=("margin: too little",), rows=569, dataset="f8886a438b8c99", package="arn/2"
    )
    records.end_object("accepted", {"rows": 269, "rules": "r", "curated": "c", "findings": [], "profile": None})
    records.write("evaluation/evaluation.json", EVALUATION)
    records.write("decision.json", DECISION)

    told = " ".join(words(records.story()).split())

    for said in (
        "roc_auc 0.9700 0.9900 0.5000",
        "Gain in roc_auc: -0.02; with 95% confidence at least -0.03, and with as much at most -0.01",
        "floor roc_auc ≥ 0.9 0.97 ✓ passed",
        "margin a gain of at least 0 -0.02 ✗ failed",
        "Dataset f8886a438b8c with 569 rows",
        "Why: margin: too little.",
        "Registered as version 2.",
    ):
        assert said in told


def test_a_threshold_and_the_features_that_the_score_hangs_on_are_told() -> None:
    records = Records(outcome="kept")
    threshold = {"value": 0.31, "label": "ill", "by": "f1", "rows": 447}
    shuffled = [{"feature": f"f{place}", "mean": 0.1 - place / 100, "deviation": 0.002} for place in range(10)]
    challenger = {**SCORES, "metrics": {"roc_auc": 0.97}, "threshold": threshold}
    records.write("evaluation/evaluation.json", {**EVALUATION, "challenger": challenger, "importance": shuffled})
    told = " ".join(words(records.story()).split())
    assert "It says ill from a probability of 0.31 on, chosen for f1 on 447 training rows it had not learned." in told
    assert "change places (and 2 more features):" in told
    assert "roc_auc lost deviation" in told
    assert "f0 +0.1 0.002" in told
    assert "f7 +0.03" in told
    assert "f8" not in told


@pytest.mark.parametrize(
    ("interval", "said"),
    [
        (
            {"level": 0.9, "low": -3.1, "high": 2.5, "rows": 300, "lacking": ""},
            "Its intervals for 90% of the values, -3.1 to +2.5 round each prediction, held 88.4% of the holdout.",
        ),
        ({"level": 0.9, "lacking": "7 rows are too few"}, "It has no prediction interval: 7 rows are too few."),
    ],
)
def test_an_interval_is_told_with_what_it_held_or_why_there_is_none(interval: object, said: str) -> None:
    records = Records(outcome="kept")
    challenger = {**SCORES, "metrics": {"roc_auc": 0.9, "coverage": 0.884}, "interval": interval}
    records.write("evaluation/evaluation.json", {**EVALUATION, "challenger": challenger})
    assert said in " ".join(words(records.story()).split())


def test_a_quarantined_file_is_told_with_the_row_the_value_and_what_to_do() -> None:
    records = Records(outcome="quarantined")
    records.end_object("quarantined", {"rows": 0, "rules": "r", "curated": None, "findings": [FAULT], "profile": None})

    story = records.story()
    told = words(story)

    assert [file.record.key for file in story.quarantined] == [ARRIVAL.key]
    for said in ("column mean_area: expected 0 to 7600, seen 1 row outside", "row 3: '-1001'", "→ Check the unit."):
        assert said in told


def test_the_rollouts_of_the_runs_own_version_belong_to_its_story() -> None:
    records = Records(outcome="approved", package="arn:aws:sagemaker:x:1:model-package/retide-dev-tumour/7")
    for version in (6, 7):
        release = Release(version, 1, f"arn/{version}", "promoted", f"reason {version}", "2026-01-01T00:00:00+00:00")
        records.ledger.note_release("tumour", release)

    story = records.story()

    assert story.version == 7
    assert [release.version for release in story.releases] == [7]
    assert "Rollout of version 7 (attempt 1): promoted: reason 7" in words(story)


@pytest.mark.parametrize(
    ("rollouts", "said"),
    [((), "waits for a person: `retide approve tumour`"), ((7,), "a person approved it since")],
    ids=["undecided", "approved"],
)
def test_a_model_waits_for_a_person_until_that_person_has_decided(rollouts: tuple[int, ...], said: str) -> None:
    records = Records(outcome="awaiting approval", package="arn:aws:sagemaker:x:1:model-package/retide-dev-tumour/7")
    for version in rollouts:
        release = Release(version, 1, f"arn/{version}", "promoted", "well", "2026-01-01T00:00:00+00:00")
        records.ledger.note_release("tumour", release)
    told = " ".join(words(records.story()).split())
    assert said in told
    assert ("retide approve" in told) is not bool(rollouts)


def test_a_persons_wish_is_told_in_the_persons_words() -> None:
    wish = Request("k", Cause.PERSON, "new season", "2026-01-01T00:00:00+00:00")
    told = words(Records(objects=(), requests=(wish,)).story())
    assert "Cause: person (new season)." in told
    assert "Data" not in told


def test_a_run_for_new_code_names_the_commit_that_asked_and_the_one_that_was_trained() -> None:
    asked = Request("k", Cause.CODE, "deployed: new against the champion: code", "2026-01-01T00:00:00+00:00", "a" * 40)
    told = words(Records(objects=(), requests=(asked,), commit="b" * 40, image="sklearn:1").story())
    assert "Cause: code (deployed: new against the champion: code; commit aaaaaaaaaaaa)." in told
    assert "Code: commit bbbbbbbbbbbb, image sklearn:1." in told


def test_a_failed_run_says_why_what_to_do_and_where_its_jobs_log_is() -> None:
    run = Records(outcome="failed", reasons=("AlgorithmError: line 3",), job="retide-dev-tumour-2-1-ab").story()
    told = " ".join(words(run).split())
    for said in (
        "Why: AlgorithmError: line 3.",
        "mend the cause",
        "`retide retrain --model tumour`",
        "--log-group-name /aws/sagemaker/TrainingJobs --log-stream-name-prefix retide-dev-tumour-2-1-ab/",
    ):
        assert said in told


@pytest.mark.parametrize(("code", "is_told"), [(137, True), (1, False)])
def test_a_job_that_was_killed_wanted_more_memory_than_there_was(code: int, is_told: bool) -> None:
    run = Records(outcome="failed", reasons=(f"States.TaskFailed: AlgorithmError: x, exit code: {code}",)).story()
    told = " ".join(words(run).split())
    assert ("fewer rows (sampling.rows)" in told) == is_told


def test_no_brackets_of_the_data_are_taken_for_markup() -> None:
    records = Records(outcome="quarantined")
    fault = {**FAULT, "examples": [{"row": 1, "value": "[bold]x[/nope]"}]}
    records.end_object("quarantined", {"rows": 0, "rules": "r", "curated": None, "findings": [fault], "profile": None})
    assert "'[bold]x[/nope]'" in words(records.story())


def test_the_story_for_programs_survives_json() -> None:
    records = Records(outcome="kept", package="arn/2")
    records.write("decision.json", DECISION)
    story = json.loads(json.dumps(as_json(records.story())))
    assert (story["model"], story["version"], story["run"]["outcome"]) == ("tumour", 2, "kept")
    assert story["judgement"]["findings"][1]["passed"] is False


def test_a_dataset_that_holds_deleted_rows_says_so_and_what_to_do() -> None:
    records = Records(dataset="d" * 64, outcome="approved")
    records.ledger.mark_dataset(
        "tumour", Mark("d" * 64, ARRIVAL.id, "incoming/tumour/may.csv", "2026-01-02T00:00:00+00:00")
    )
    told = words(records.story())
    assert "It holds rows of incoming/tumour/may.csv, deleted" in told
    assert "`retide retrain --model tumour` makes one without them" in told.replace("\n", " ").replace("  ", " ")


def made(records: Records, run: layout.RunId, version: int, dataset: str) -> None:
    """A run that registered a version which learned from a dataset."""
    package = f"arn:aws:sagemaker:us-east-1:1:model-package/retide-dev-tumour/{version}"
    record = RunRecord(str(run), "arn", "ended", "2026-01-01T00:00:00+00:00", dataset=dataset, package=package)
    records.table.transact(Put(keys.run(run), serialise(record)))


def a_model_of_three_versions() -> Records:
    """The first serves; it and the third, which has a run of its own between, hold a deleted file."""
    records = Records()
    for version, dataset in ((1, "old"), (2, "clean"), (3, "new")):
        made(records, layout.RunId("tumour", version, 1), version, dataset)
    champion = Champion("arn", 1, "job", "old", "c", "d", "tumour-1-1")
    records.table.transact(Update(keys.head("tumour"), {"champion": serialise(champion)}))
    for dataset, name in (("old", "a"), ("new", "a"), ("new", "b")):
        records.ledger.mark_dataset("tumour", Mark(dataset, name, f"incoming/tumour/{name}.csv", "2026-01-02"))
    return records


def test_a_model_names_every_version_that_learned_from_deleted_data_and_first_the_one_that_serves() -> None:
    records = a_model_of_three_versions()
    assert learned("tumour", records.ledger) == (
        Learned(1, ("incoming/tumour/a.csv",), serves=True),
        Learned(3, ("incoming/tumour/a.csv", "incoming/tumour/b.csv")),
    )
    told = words(in_its_model(records.story(), records.ledger)).replace("\n", " ")
    assert "Version 1, which serves, learned from incoming/tumour/a.csv" in told
    assert "Version 3 learned from incoming/tumour/a.csv" in told
    assert "Version 2" not in told


def test_a_champion_whose_run_nobody_remembers_is_named_too() -> None:
    records = a_model_of_three_versions()
    records.table.transact(Delete(keys.run(layout.RunId("tumour", 1, 1))))
    assert learned("tumour", records.ledger)[0] == Learned(1, ("incoming/tumour/a.csv",), serves=True)


def test_an_object_names_only_the_versions_that_learned_from_it() -> None:
    records = a_model_of_three_versions()
    assert learned("tumour", records.ledger, only="b") == (Learned(3, ("incoming/tumour/b.csv",)),)
    assert learned("tumour", records.ledger, only="c") == ()


LETTER = Parked(
    "name", "{}", "2026-01-02T00:00:00+00:00", model="tumour", subject="incoming/tumour/lost.csv", why="no such table"
)


def test_a_model_tells_of_its_messages_that_died_and_of_no_other_s() -> None:
    records = Records()
    records.ledger.park(LETTER)
    records.ledger.park(replace(LETTER, name="other", model="diabetes", subject="incoming/diabetes/x.csv"))
    told = " ".join(words(in_its_model(records.story(), records.ledger)).split())
    assert "The message of incoming/tumour/lost.csv is dead-lettered" in told
    assert "(no such table)" in told
    assert "`retide reconcile --redrive`" in told
    assert "diabetes" not in told
    assert "dead-lettered" not in words(records.story()), "a run's own story is not the model's"


@pytest.mark.parametrize(
    ("key", "found"), [("incoming/tumour/lost.csv", LETTER), ("lost.csv", LETTER), ("incoming/tumour/other.csv", None)]
)
def test_the_message_that_died_is_found_by_the_object_that_it_told_of(key: str, found: Parked | None) -> None:
    assert died((replace(LETTER, subject="incoming/tumour/x.csv"), LETTER), key) == found


@pytest.mark.parametrize("outcome", sorted({*UNFINISHED, "died"}))
def test_every_end_of_a_run_is_told_with_what_to_do(outcome: str) -> None:
    assert f"{outcome}: " in words(Records(outcome=outcome).story())


def test_every_state_of_an_object_has_its_words() -> None:
    assert set(STATES) == set(ObjectState)


def test_a_key_that_would_move_the_cursor_is_shown_as_what_it_is() -> None:
    assert plain("a\x1b[2J\u202eb ü") == "a\\u001b[2J\\u202eb ü"


def test_of_a_run_that_died_no_record_is_promised() -> None:
    assert "record.json" in words(Records(outcome="failed").story())
    assert "record.json" not in words(Records(state="died", outcome="died").story())


@pytest.mark.parametrize(
    ("states", "kind", "job"),
    [
        (("Shard",), "Processing", "boost"),
        (("Shard", "Boost"), "Training", "boost"),
        (("Shard", "Boost", "Assemble"), "Training", "train"),
        (("Shard", "Boost", "Assemble", "Evaluate"), "Processing", "evaluate"),
    ],
)
def test_the_log_of_a_run_that_failed_is_that_of_its_last_job(states: tuple[str, ...], kind: str, job: str) -> None:
    steps = tuple(Step(name, "2030-01-01T00:00:00+00:00") for name in states)
    alone = RunRecord("m-1-1", "arn", "ended", "t", job="train", evaluation="evaluate")
    assert last_job(replace(alone, steps=steps, boosting="boost")) == (kind, job)
    assert last_job(alone) == ("Training", "train")
