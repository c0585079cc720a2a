"""Prepare judging: the exact version is laid out once, with all that a job needs; what is not to be judged is not."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from retide.domain import judging
from retide.domain.judged import judge_in_context
from retide.domain.judging import Terms
from retide.domain.layout import RunId
from retide.domain.sizes import GIB, Bounds
from retide.domain.verdict import Verdict
from retide.ports import Fenced, ObjectHead
from retide.steps.judging_context import keys_of
from retide.steps.prepare_judging import JudgingParts, PrepareJudgingRequest, PrepareJudgingResult, prepare_judging
from retide.steps.recording import Validated
from retide.steps.validate import CRASHES, ValidateRequest, validate
from tests.unit.churn import CHURN
from tests.unit.data.tables import csv_text, rows
from tests.unit.steps.data_world import CrashingObjects, DataWorld

GOOD = csv_text(rows(20)).encode()
UNIQUE = {**CHURN, "unique": [{"columns": ["customer"], "scope": "everywhere"}], "policy": {"min_rows": 10}}


class Vast(CrashingObjects):
    """A bucket whose objects are said to be larger than any job takes."""

    def head(self, key: str, version: str | None = None) -> ObjectHead | None:
        found = super().head(key, version)
        return found and ObjectHead(found.version, found.etag, 300 * GIB)


class Large(DataWorld):
    """A deployment in which no object fits into a function."""

    def begin(self, data: bytes = GOOD) -> tuple[str, int, str]:
        """An object arrives and is claimed: the run, its fence, the object's id."""
        self.bounds = Bounds(largest=0, inline=100, concurrency=10)
        self.arrive(data)
        head = self.ledger.head("m")
        claimed = self.claim(head.generation, head.attempt)
        (item,) = json.loads(self.objects.get(claimed.list))
        assert item["large"]
        return str(head.run("m")), claimed.fence, item["object"]

    def prepare_judging(self, run: str, fence: int, name: str, crash: str = "") -> PrepareJudgingResult:
        uris = ("s3://assets/retide-dev/code.zip", "s3://assets/retide-dev/data.zip")
        parts = JudgingParts(self.ledger, self.objects, self.judge, self.parsed, "dev", "ledger-1", *uris)
        return prepare_judging(PrepareJudgingRequest(run, fence, name, crash), parts)

    def validate_large(self, run: str, fence: int, name: str) -> Validated:
        request = ValidateRequest(run, fence, name, large=True)
        return validate(request, catalogue=self.catalogue, objects=self.objects, ledger=self.ledger, judge=self.judge)

    def judge_in_a_job(self, run: str, name: str) -> Verdict:
        """What the job does with what it was given."""
        terms, owner = self.terms(run, name), RunId.parse(run)
        with TemporaryDirectory() as scratch:
            folder = Path(scratch)
            self.objects.download(judging.given(owner, name, judging.DATA), None, folder / "data")
            judged = judge_in_context(folder / "data", self.parsed, terms.context, folder, self.judge)
            if judged.verdict.accepted:
                self.objects.upload(judged.folder / judging.ROWS, judging.found(owner, name, judging.ROWS))
        left = json.dumps(judged.verdict.to_dict()).encode()
        self.objects.put(judging.found(owner, name, judging.VERDICT), left)
        return judged.verdict

    def terms(self, run: str, name: str) -> Terms:
        return Terms.from_dict(self.document(judging.given(RunId.parse(run), name, judging.TERMS)))


@pytest.fixture
def large() -> Large:
    return Large()


def channels(result: PrepareJudgingResult) -> dict[str, Any]:
    return {given["InputName"]: given["S3Input"] for given in result.inputs}


def test_a_job_is_given_the_very_version_that_was_claimed(large: Large) -> None:
    run, fence, name = large.begin()
    large.objects.put("incoming/m/000.csv", b"a later version")
    result = large.prepare_judging(run, fence, name)
    assert result.outcome == "judge"
    assert large.objects.get(judging.given(RunId.parse(run), name, judging.DATA)) == GOOD
    places = {name: given["S3Uri"] for name, given in channels(result).items()}
    assert places["object"] == f"s3://bucket/runs/m/{run}/judging/{name}/input/"
    assert places["code"].endswith("/code.zip")
    assert places["libs"].endswith("/data.zip")
    assert result.output == f"s3://bucket/runs/m/{run}/judging/{name}/output"


def test_what_a_job_is_told_is_what_a_function_would_have_known(large: Large) -> None:
    large.take_in(rows(30))
    run, fence, name = large.begin()
    large.prepare_judging(run, fence, name)
    terms = large.terms(run, name)
    assert terms.context.recent_rows == (30,)
    assert terms.context.arrived is not None
    assert terms.keys == ()
    assert Terms.from_dict(json.loads(json.dumps(terms.to_dict()))) == terms


def test_a_job_s_name_is_new_for_each_try_and_fits_sagemaker(large: Large) -> None:
    run, fence, name = large.begin()
    first, second = (large.prepare_judging(run, fence, name) for _ in range(2))
    assert first.job != second.job
    assert first.job.startswith("retide-dev-m-1-1-")
    assert max(len(first.job), len(second.job)) <= 63


def test_a_copy_that_was_made_before_is_not_made_again(large: Large) -> None:
    run, fence, name = large.begin()
    large.prepare_judging(run, fence, name)
    large.prepare_judging(run, fence, name)
    copies = large.objects.versions[judging.given(RunId.parse(run), name, judging.DATA)]
    assert len(copies) == 1


def test_an_object_whose_jobs_break_off_is_quarantined_unjudged_with_what_the_last_one_said(large: Large) -> None:
    run, fence, name = large.begin()
    outcomes = [large.prepare_judging(run, fence, name, f"crash {n}").outcome for n in range(CRASHES + 1)]
    assert outcomes == [*["judge"] * CRASHES, "record"]
    assert large.validate_large(run, fence, name).outcome == "quarantined"
    assert f"crash {CRASHES}" in large.document(f"verdicts/m/{name}.json")["findings"][0]["seen"]


def test_an_object_that_was_deleted_meanwhile_is_not_judged_but_withdrawn(large: Large) -> None:
    run, fence, name = large.begin()
    large.objects.versions["incoming/m/000.csv"].clear()
    assert large.prepare_judging(run, fence, name).outcome == "record"
    assert large.validate_large(run, fence, name).outcome == "withdrawn"


def test_an_object_that_no_job_takes_is_quarantined_with_the_limit() -> None:
    large = Large(objects=Vast())
    run, fence, name = large.begin()
    assert large.prepare_judging(run, fence, name).outcome == "record"
    assert large.validate_large(run, fence, name).outcome == "quarantined"
    assert "256 GiB" in large.document(f"verdicts/m/{name}.json")["findings"][0]["seen"]


def test_an_object_that_was_judged_already_is_not_judged_again(large: Large) -> None:
    run, fence, name = large.begin()
    large.validate_object(run, fence, name)
    assert large.prepare_judging(run, fence, name).outcome == "record"


def test_a_stale_holder_of_the_lease_prepares_no_job(large: Large) -> None:
    run, fence, name = large.begin()
    with pytest.raises(Fenced):
        large.prepare_judging(run, fence - 1, name)


def test_what_a_job_found_is_recorded_as_if_a_function_had_found_it(large: Large) -> None:
    run, fence, name = large.begin()
    large.prepare_judging(run, fence, name)
    verdict = large.judge_in_a_job(run, name)
    assert large.validate_large(run, fence, name).outcome == "accepted"
    (accepted,) = large.ledger.accepted("m")
    assert (accepted.rows, accepted.curated) == (20, verdict.curated)
    assert large.objects.exists(f"curated/m/{verdict.curated}.parquet")


def test_what_a_job_refused_is_quarantined_byte_for_byte(large: Large) -> None:
    broken = GOOD.replace(b"\n", b"\nnonsense,", 1)
    run, fence, name = large.begin(broken)
    large.prepare_judging(run, fence, name)
    assert not large.judge_in_a_job(run, name).accepted
    assert large.validate_large(run, fence, name).outcome == "quarantined"
    assert large.objects.get(f"quarantine/m/{name}/data") == broken


def test_the_keys_of_what_was_accepted_before_are_listed_for_a_job_in_their_order(large: Large) -> None:
    large.take_in(rows(60)[:20])
    large.take_in(rows(60)[20:40])
    large.contract = UNIQUE
    for accepted in large.ledger.accepted("m"):
        large.objects.put(keys_of(accepted.id, large.parsed), b"keys")
    run, fence, name = large.begin(csv_text(rows(60)[40:]).encode())
    listed = channels(large.prepare_judging(run, fence, name))["keys"]
    assert listed["S3DataType"] == "ManifestFile"
    prefix, *names = json.loads(large.objects.get(listed["S3Uri"].removeprefix("s3://bucket/")))
    assert prefix == {"prefix": "s3://bucket/keys/"}
    assert tuple(names) == large.terms(run, name).keys
    assert [file.split("/")[1][:32] for file in names] == [item.id for item in large.ledger.accepted("m")]
    assert all(large.objects.exists(f"keys/{file}") for file in names)


def test_a_verdict_survives_its_way_through_a_job(large: Large) -> None:
    run, fence, name = large.begin()
    large.prepare_judging(run, fence, name)
    verdict = large.judge_in_a_job(run, name)
    assert Verdict.from_dict(json.loads(json.dumps(verdict.to_dict()))) == verdict
