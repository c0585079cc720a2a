"""The outcome of a push: one fate and one line for whatever can become of it."""

from __future__ import annotations

from dataclasses import replace

from retide.cli.delivery.builds import Build
from retide.cli.delivery.effects import Effect, State
from retide.cli.delivery.outcomes import Delivery, Fate
from retide.cli.delivery.pipeline import Place
from retide.cli.delivery.pushes import Pushed, Way
from retide.cli.times import clock
from tests.unit.cli.deliveries import action, commit, delivery, execution, minute, name

SAME = Effect("prod", "tumour", State.NOTHING, "no retrain: version 1, which serves, was made by the same code")


def said(one: Delivery) -> tuple[Fate, str]:
    return one.fate, one.text


def test_documents_alone_deploy_nothing_and_are_named() -> None:
    files = ("docs/a.md", "docs/b.md", "README.md", "docs/c.md")
    assert said(Delivery(Pushed(commit("a", *files), Way.IGNORED))) == (
        Fate.NOTHING,
        "nothing to deploy: only docs/a.md, docs/b.md, README.md and 1 more changed",
    )


def test_a_broken_test_is_told_by_its_stage_and_its_command() -> None:
    broken = action("Build", "Failed", error="Build terminated with state: FAILED")
    build = Build("retide-build:1", "FAILED", "BUILD", "make test (exit status 2)")
    one = delivery("a", "Failed", action("Source", at=0), broken, builds={build.id: build})
    assert said(one) == (Fate.FAILED, "failed in Build: make test (exit status 2)")
    assert one.stages == ("Source", "Build")


def test_a_failure_without_a_build_is_told_in_the_pipelines_own_words() -> None:
    one = delivery("a", "Failed", action("Source", "Failed", error="no connection"))
    assert said(one) == (Fate.FAILED, "failed in Source: no connection")
    assert said(delivery("a", "Failed", summary="because")) == (Fate.FAILED, "failed: because")


def test_a_handler_is_deployed_without_a_retrain() -> None:
    assert said(delivery(effects=(SAME,))) == (Fate.DEPLOYED, "deployed; no retrain: no model's code changed")
    assert said(delivery()) == (Fate.DEPLOYED, "deployed")


def test_a_changed_model_is_told_with_the_run_that_followed_and_the_others_are_left_out() -> None:
    promoted = Effect("prod", "diabetes", State.PROMOTED, "run diabetes-2-1 was promoted as version 2", "diabetes-2-1")
    one = delivery(effects=(SAME, promoted))
    assert said(one) == (Fate.DEPLOYED, "deployed; diabetes: run diabetes-2-1 was promoted as version 2")


def test_what_staging_made_of_it_is_left_to_the_road() -> None:
    staged = Effect("staging", "tumour", State.OPEN, "a retrain waits for its run")
    assert delivery(effects=(staged, SAME)).text == "deployed; no retrain: no model's code changed"


def test_code_that_was_tried_before_is_told_with_the_run_that_tried_it() -> None:
    tried = Effect("prod", "tumour", State.NOTHING, "no retrain: run tumour-2-1 tried the same", "tumour-2-1")
    assert said(delivery(effects=(tried,)))[1] == "deployed; tumour: no retrain: run tumour-2-1 tried the same"


def test_who_is_asked_is_told_how_to_answer() -> None:
    one = delivery("a", "InProgress", action("Staging"), action("Approval", "InProgress", at=2))
    assert one.fate is Fate.APPROVAL
    assert f"`retide delivery approve {name('a')[:10]}`" in one.text
    assert not one.fate.over


def test_a_rejection_is_told_with_the_persons_reason() -> None:
    one = delivery("a", "Failed", action("Approval", "Failed", summary="by ada: not on a Friday"))
    assert said(one) == (Fate.REJECTED, "rejected by a person: by ada: not on a Friday")


def test_what_is_under_way_is_told_by_its_stage_and_what_waits_by_the_one_behind_it() -> None:
    in_build = delivery("a", "InProgress", action("Build", "InProgress"), place=Place("Build"))
    assert said(in_build) == (Fate.RUNNING, "in Build")
    waits = delivery("a", "InProgress", action("Build"), place=Place("Staging", waits=True))
    assert said(waits) == (Fate.QUEUED, "waits for Staging, which another commit is in")
    assert said(delivery("a", "InProgress")) == (Fate.RUNNING, "in Source")


def test_what_is_deployed_and_watched_for_alarms_is_not_over_yet() -> None:
    place = Place("Production", watched=True, until=minute(12))
    one = delivery("a", "InProgress", action("Production"), place=place)
    at = clock(minute(12).isoformat())
    assert said(one) == (Fate.WATCHED, f"deployed; Production's alarms are watched until {at}")
    assert (one.fate.over, one.fate.busy) == (False, True)
    endless = delivery("a", "InProgress", action("Production"), place=replace(place, until=None))
    assert said(endless)[1] == "deployed; Production's alarms are watched for a while"


def test_a_push_behind_one_that_is_watched_says_until_when_it_waits() -> None:
    place = Place("Production", waits=True, watched=True, until=minute(12))
    one = delivery("b", "InProgress", action("Approval"), place=place)
    at = clock(minute(12).isoformat())
    assert said(one) == (
        Fate.QUEUED,
        f"waits for Production, whose alarms are watched until {at} for the commit before",
    )


def test_a_cancelled_push_names_the_commit_that_carries_it_on() -> None:
    one = delivery("a", "Cancelled", by=name("b"))
    assert said(one) == (
        Fate.CANCELLED,
        f"cancelled when the pipeline itself changed; commit {name('b')[:10]} carries it on",
    )
    assert "nothing carries it on yet" in delivery("a", "Cancelled").text


def test_a_stopped_push_is_told_with_the_reason() -> None:
    assert said(delivery("a", "Stopped", stopped="wrong branch")) == (Fate.STOPPED, "stopped: wrong branch")


def test_a_push_that_was_taken_back_says_so_and_why() -> None:
    back = execution("before", at=30, rollback=True)
    one = delivery("a", "Failed", action("Production", "Failed", error="make smoke failed"), reverted=back)
    assert said(one) == (
        Fate.ROLLED_BACK,
        "rolled back to the deployment before: failed in Production: make smoke failed",
    )
    rung = delivery("a", "Failed", action("Production"), reverted=back)
    assert rung.text == "rolled back to the deployment before: an alarm rang after it was deployed"
    named = delivery("a", "Failed", action("Production"), reverted=back, summary="retide-prod-health: in ALARM")
    assert named.text.endswith("an alarm rang after it was deployed (retide-prod-health: in ALARM)")


def test_a_commit_that_went_with_another_names_it() -> None:
    one = Delivery(Pushed(commit("a"), Way.TOGETHER, by=name("b")))
    assert said(one)[1] == f"went with commit {name('b')[:10]}, which was pushed together with it"


def test_a_commit_that_no_pipeline_saw_says_what_to_look_for() -> None:
    fate, text = said(Delivery(Pushed(commit("a"), Way.UNSEEN)))
    assert (fate, fate.over) == (Fate.UNSEEN, False)
    assert "handshake" in text


def test_a_commit_that_was_replaced_on_the_branch_says_so_beside_its_outcome() -> None:
    gone = Pushed(commit("a"), Way.REPLACED, (execution("a", "Stopped"),))
    assert said(Delivery(gone)) == (Fate.STOPPED, "stopped (not on the branch any more)")
    cancelled = Pushed(commit("a"), Way.REPLACED, (execution("a", "Cancelled"),))
    assert Delivery(cancelled).text == "cancelled when the pipeline itself changed (not on the branch any more)"
