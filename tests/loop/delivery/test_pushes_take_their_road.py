"""Pushes on the local cloud: each takes exactly the road that it should, and `retide delivery` tells of it.

At night one more: a better model on the whole road, which every other kind of push in `test_seven_pushes.py` builds on.
"""

from __future__ import annotations

import pytest

from tests.loop.delivery.changes import MODEL
from tests.loop.delivery.road import Road

pytestmark = pytest.mark.timeout(1200)  # the first of these tests waits for every push
WHOLE = ["Source", "Build", "SelfUpdate", "Staging", "Approval", "Production"]


def test_a_push_of_documents_starts_nothing_and_says_so(two: Road) -> None:
    told = two.told()["documents"]
    assert (told["fate"], told["execution"]) == ("nothing to deploy", None)
    assert told["outcome"] == "nothing to deploy: only docs/aws.md changed"


def test_a_push_that_breaks_a_test_ends_in_its_build_with_the_tests_own_words(two: Road) -> None:
    told, shown = two.told()["broken test"], two.shown("broken test")
    assert told["outcome"] == "failed in Build: make test (exit status 2)"
    assert shown["stages"] == ["Source", "Build"]
    assert any("test_that_is_broken_on_purpose" in line for line in shown["log"])
    assert shown["models"] == []


def test_people_are_told_once_of_the_push_that_failed_and_asked_about_the_one_that_did_not(two: Road) -> None:
    executions = {word: one["executions"] for word, one in two.told().items()}
    (failed,) = executions["broken test"]
    (told,) = [notice for notice in two.heard() if failed in notice]
    assert f"retide-delivery: execution {failed} ended as FAILED" in told
    asked = [notice for notice in two.heard() if f"commit {two.pushed['first']} passed staging" in notice]
    assert len(asked) == 1


def test_the_push_that_made_the_pipeline_takes_the_whole_road_and_its_data_trains_the_model(two: Road) -> None:
    shown = two.shown("first")
    assert (shown["fate"], shown["stages"]) == ("deployed", WHOLE)
    run = two.production.ledger.runs("tide")[0]
    assert ("data" in run.causes, run.outcome, run.commit) == (True, "approved", two.pushed["first"])


@pytest.mark.nightly
def test_a_better_model_reaches_production_and_replaces_the_champion(three: Road) -> None:
    shown = three.shown("better")
    assert (shown["fate"], shown["stages"]) == ("deployed", WHOLE)
    (tide,) = [one for one in shown["models"] if (one["stage"], one["model"]) == ("prod", "tide")]
    assert (tide["state"], tide["text"]) == ("promoted", f"run {tide['run']} was promoted as version 2")
    run = next(run for run in three.production.ledger.runs("tide") if run.run == tide["run"])
    assert run.commit == three.pushed["better"]
    assert [(wish.cause, wish.commit) for wish in run.requests] == [("code", three.pushed["better"])]


@pytest.mark.nightly
def test_other_models_are_not_retrained_by_it(three: Road) -> None:
    shown = three.shown("better")
    others = [one for one in shown["models"] if one["stage"] == "prod" and one["model"] != "tide"]
    assert {one["state"] for one in others} == {"nothing"}
    assert MODEL in shown["commit"]["files"]


@pytest.mark.nightly
def test_the_first_push_is_the_one_that_made_the_pipeline_and_nothing_was_built_twice(three: Road) -> None:
    told = three.told()
    assert told["first"]["fate"] == "deployed"
    assert [len(told[word]["executions"]) for word in ("better", "broken test", "documents", "first")] == [1, 1, 0, 1]
    assert list(told) == ["better", "broken test", "documents", "first"]


@pytest.mark.nightly
def test_production_was_retrained_once_for_its_data_and_once_for_the_better_code(three: Road) -> None:
    runs = three.production.ledger.runs("tide")[:2]
    assert [run.causes for run in runs] == [("data", "code"), ("code",)]
    assert [run.outcome for run in runs] == ["approved", "approved"]
