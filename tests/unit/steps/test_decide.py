"""Decide: the plan that both jobs work by, and when there is none."""

from __future__ import annotations

import json

import pytest

from retide.domain import layout
from retide.domain.boosting_job import BoostingJob
from retide.domain.layout import RunId
from retide.domain.ledger import Cause
from retide.domain.record import Failure, Plan
from retide.domain.retrain import boosting_name
from retide.ports import Fenced, Status
from retide.steps import documents
from retide.steps.decide import DecideResult
from tests.unit.steps.world import World, approved_event, wish


@pytest.fixture
def claimed(world: World) -> World:
    world.dispatch(world.put())
    world.accept_all("m-1-1", world.claim().fence)
    return world


def test_a_first_model_is_trained_and_has_nobody_to_beat(claimed: World) -> None:
    claimed.freeze()
    plan = claimed.decide()
    assert (plan.outcome, plan.champion_job) == ("retrain", "")
    assert plan.job.startswith("retide-dev-m-1-1-")
    assert plan.hyperparameters == {
        "model": "m",
        "dataset": "d1",
        "code_digest": "c" * 64,
        "seed": "0",
        "params": "{}",
    }
    manifest = json.loads(claimed.objects.get("runs/m/m-1-1/candidates.manifest"))
    assert manifest == [{"prefix": "s3://bucket/models/m/"}, f"{plan.job}/output/model.tar.gz"]


def test_deciding_twice_is_the_same_plan(claimed: World) -> None:
    claimed.freeze()
    assert claimed.decide() == claimed.decide()


def test_too_little_data_is_said_with_both_numbers(claimed: World) -> None:
    claimed.freeze(rows=49)
    plan = claimed.decide()
    assert plan.outcome == "insufficient"
    written = json.loads(claimed.objects.get("runs/m/m-1-1/plan.json"))
    assert "49 rows" in written["reason"]
    assert "at least 50" in written["reason"]


def test_one_class_only_is_too_little_too(claimed: World) -> None:
    claimed.freeze(counts={"no": 300, "yes": 0})
    assert claimed.decide().outcome == "insufficient"


def test_a_run_that_lost_its_lease_decides_nothing(claimed: World) -> None:
    claimed.freeze()
    with pytest.raises(Fenced):
        claimed.decide(fence=7)


def _after_a_champion(world: World) -> None:
    world.dispatch(world.put("incoming/m/first.csv"))
    world.run_to_package()
    world.deploy(1)
    world.dispatch(world.put("incoming/m/second.csv"))


def _second(world: World, dataset: str) -> str:
    fence = world.claim(2, 1).fence
    world.accept_all("m-2-1", fence)
    world.freeze(dataset)
    return world.decide("m-2-1", fence, dataset).outcome


def test_the_same_data_by_the_same_code_is_unchanged(world: World) -> None:
    _after_a_champion(world)
    assert _second(world, "d1") == "unchanged"


def test_new_data_is_worth_a_retrain_against_the_champion(world: World) -> None:
    _after_a_champion(world)
    assert _second(world, "d2") == "retrain"
    manifest = json.loads(world.objects.get("runs/m/m-2-1/candidates.manifest"))
    assert len(manifest) == 3


def dataset_manifest(world: World, dataset: str, *rows: int) -> None:
    parts = [
        {"id": f"o{n}", "key": "k", "version": "v", "curated": f"c{n}", "rows": many} for n, many in enumerate(rows)
    ]
    world.objects.put(f"datasets/m/{dataset}/manifest.json", json.dumps({"objects": parts}).encode())


@pytest.mark.parametrize(
    ("limit", "dataset", "files"),
    [
        (0.75, "d2", ["datasets/m/d1/manifest.json", "curated/m/c1.parquet", "curated/m/c2.parquet"]),
        (0.75, "d1", []),
        (None, "d2", []),
    ],
)
def test_the_champions_newest_files_are_given_to_compare_where_the_contract_asks_and_the_data_is_new(
    world: World, limit: float | None, dataset: str, files: list[str]
) -> None:
    world.contract["drift"] = {"multivariate": limit}
    _after_a_champion(world)
    dataset_manifest(world, "d1", 9, 15_000, 15_000)
    world.code = "e" * 64
    _second(world, dataset)
    prefix, _, champion, *reference = json.loads(world.objects.get("runs/m/m-2-1/candidates.manifest"))
    assert reference == files
    assert (prefix["prefix"] + champion).startswith("s3://bucket/models/m/")
    assert champion.endswith("/output/model.tar.gz")


def test_a_champion_whose_data_was_deleted_leaves_nothing_to_compare_with(world: World) -> None:
    world.contract["drift"] = {"multivariate": 0.75}
    _after_a_champion(world)
    world.objects.versions.pop(layout.dataset("m", "d1", "manifest.json"))
    assert _second(world, "d2") == "retrain"
    assert len(json.loads(world.objects.get("runs/m/m-2-1/candidates.manifest"))) == 3


def test_new_code_is_worth_a_retrain(world: World) -> None:
    _after_a_champion(world)
    world.code = "e" * 64
    assert _second(world, "d1") == "retrain"


def test_a_person_is_obeyed_though_nothing_changed(world: World) -> None:
    _after_a_champion(world)
    world.dispatch(wish("k1", Cause.PERSON))
    assert _second(world, "d1") == "retrain"


def test_what_was_judged_and_kept_is_not_trained_again(world: World) -> None:
    _after_a_champion(world)
    world.run_to_package("d2", score=0.8, champion=0.9)
    kept = world.ledger.runs("m")[-1]
    assert kept.outcome == "kept"
    world.dispatch(world.put("incoming/m/third.csv"))
    fence = world.claim(3, 1).fence
    world.accept_all("m-3-1", fence)
    assert world.decide("m-3-1", fence, "d2").outcome == "unchanged"


# Models that meet another champion.


def meets_another_champion(world: World) -> str:
    """Version 2, of other data, is approved when version 1 serves, against which it was not judged; its job."""
    world.dispatch(world.put("incoming/m/first.csv"))
    world.run_to_package()
    world.dispatch(world.put("incoming/m/second.csv"))
    world.run_to_package("d2")
    world.registry.judge(World.arn(2), Status.PENDING, "not yet")
    world.deploy(1)
    world.registry.judge(World.arn(2), Status.APPROVED, "now")
    world.dispatch(approved_event(2))
    assert world.prepare(2).outcome == "superseded"
    world.drain()
    return world.ledger.runs("m")[-1].job or ""


def test_a_model_that_meets_another_champion_is_judged_anew_and_not_trained_again(world: World) -> None:
    job = meets_another_champion(world)
    world.run_to_package("d2", champion=0.8)
    again = world.ledger.runs("m")[-1]
    assert (again.causes, again.job, again.champion) == ((Cause.CHAMPION_CHANGED,), job, 1)
    assert again.evaluation not in {job, None}

    packages = [(package.facts["job"], package.facts["champion"]) for package in world.registry.packages]
    assert packages[1:] == [(job, "0"), (job, "1")]
    world.deploy(3)
    assert world.ledger.endpoint("m").version == 3


@pytest.mark.parametrize("status", ["Failed", "Stopped", None])
def test_a_model_whose_job_is_gone_is_trained_again_for_another_champion(world: World, status: str | None) -> None:
    job = meets_another_champion(world)
    world.jobs.statuses = {job: status} if status else {}
    assert world.decide("m-3-1", world.claim(3, 1).fence, "d2").job != job


def test_a_model_whose_artefact_was_deleted_is_trained_again_for_another_champion(world: World) -> None:
    job = meets_another_champion(world)
    world.objects.versions.pop(layout.artefact("m", job))
    assert world.jobs.statuses[job] == "Completed"
    assert world.decide("m-3-1", world.claim(3, 1).fence, "d2").job != job


def test_a_person_has_a_model_trained_anew_also_for_another_champion(world: World) -> None:
    job = meets_another_champion(world)
    world.dispatch(wish("k1", Cause.PERSON))
    assert world.decide("m-3-1", world.claim(3, 1).fence, "d2").job != job


# Jobs that an earlier attempt began.


def died_in_training(world: World) -> str:
    world.dispatch(world.put())
    fence = world.claim().fence
    world.accept_all("m-1-1", fence)
    world.freeze()
    job = world.decide(fence=fence).job
    world.executions.ended.add("arn:retrain:m-1-1")
    world.reconcile()
    return job


@pytest.mark.parametrize("status", ["InProgress", "Completed"])
def test_the_job_that_a_dead_attempt_began_is_gone_on_with(world: World, status: str) -> None:
    job = died_in_training(world)
    world.train(job)
    world.jobs.statuses[job] = status
    plan = world.decide("m-1-2", world.claim(1, 2).fence)
    assert plan.job == job
    assert plan.evaluation != job
    assert documents.read(Plan, world.objects, RunId("m", 1, 2), "plan.json").job == job


@pytest.mark.parametrize("status", ["Failed", "Stopped", None])
def test_a_job_that_came_to_nothing_is_no_use_to_the_next_attempt(world: World, status: str | None) -> None:
    job = died_in_training(world)
    if status:
        world.jobs.statuses[job] = status
    plan = world.decide("m-1-2", world.claim(1, 2).fence)
    assert plan.job == plan.evaluation != job


@pytest.mark.parametrize("outcome", ["failed", "timed out"])
def test_the_job_of_a_run_that_failed_later_is_gone_on_with_unless_a_person_asks_for_another(
    world: World, outcome: str
) -> None:
    world.dispatch(world.put())
    fence = world.claim().fence
    world.accept_all("m-1-1", fence)
    world.freeze()
    job = world.decide(fence=fence).job
    world.train(job)
    error = Failure("States.Timeout", "") if outcome == "timed out" else Failure("Surprise", "")
    world.release("failed", error=error)
    assert world.ledger.runs("m")[0].outcome == outcome

    world.dispatch(world.put("incoming/m/late.csv"))
    claimed = world.claim(1, 2)
    assert world.decide("m-1-2", claimed.fence).job == job

    world.release("failed", "m-1-2", claimed.fence, error)
    world.dispatch(wish())
    assert world.decide("m-1-3", world.claim(1, 3).fence).job != job


def test_the_job_of_a_run_that_failed_is_gone_on_with_also_after_others_came_to_an_end(world: World) -> None:
    world.dispatch(world.put())
    fence = world.claim().fence
    world.accept_all("m-1-1", fence)
    world.freeze()
    job = world.decide(fence=fence).job
    world.train(job)
    world.release("failed", error=Failure("States.Timeout", ""))
    world.dispatch(world.put("incoming/m/bad.csv"))
    world.release("quarantined", "m-1-2", world.claim(1, 2).fence)

    world.dispatch(wish("new", Cause.CODE))
    assert world.decide("m-2-1", world.claim(2, 1).fence).job == job


def test_a_completed_job_whose_artefact_was_deleted_is_no_use_to_the_next_attempt(world: World) -> None:
    job = died_in_training(world)
    world.train(job)
    world.objects.versions.pop(layout.artefact("m", job))
    plan = world.decide("m-1-2", world.claim(1, 2).fence)
    assert plan.job == plan.evaluation != job


def test_a_job_that_still_trains_needs_no_artefact_to_be_gone_on_with(world: World) -> None:
    job = died_in_training(world)
    world.jobs.statuses[job] = "InProgress"
    assert world.decide("m-1-2", world.claim(1, 2).fence).job == job


def test_a_job_of_other_ingredients_is_not_gone_on_with(world: World) -> None:
    job = died_in_training(world)
    world.train(job)
    world.code = "d" * 64
    assert world.decide("m-1-2", world.claim(1, 2).fence).job != job


SEARCH = {"candidates": 3, "on": "jobs", "space": {"C": {"min": 0.1, "max": 1}}}


def test_a_search_in_jobs_is_planned_with_its_name_and_its_script(claimed: World) -> None:
    claimed.contract["tuning"] = SEARCH
    claimed.freeze()
    plan = claimed.decide()
    assert plan.search == "jobs"
    assert plan.tuning is not None
    assert plan.tuning.hyperparameters.items() >= plan.hyperparameters.items()
    assert json.loads(claimed.objects.get("runs/m/m-1-1/plan.json"))["tuning"] == plan.tuning.name
    assert b"os.execv" in claimed.objects.get("runs/m/m-1-1/entry/tune.py")


def test_without_a_search_in_jobs_there_is_none(claimed: World) -> None:
    claimed.freeze()
    plan = claimed.decide()
    assert (plan.search, plan.tuning) == ("job", None)
    assert not claimed.objects.exists("runs/m/m-1-1/entry/tune.py")


CLUSTER = {"distributed": {"instances": 3, "instance_type": "ml.m5.4xlarge"}}


def test_instances_that_learn_together_are_planned_with_their_name_and_the_image(claimed: World) -> None:
    claimed.contract["training"] = CLUSTER
    claimed.freeze()
    plan = claimed.decide()
    assert plan.search == "instances"
    assert plan.boosting == BoostingJob(f"{plan.job[:-7]}-boost-{plan.job[-6:]}", 3, "ml.m5.4xlarge")
    assert plan.hyperparameters["boosting"] == plan.boosting.job
    written = json.loads(claimed.objects.get("runs/m/m-1-1/plan.json"))
    assert (written["boosting"], written["boosting_image"]) == (plan.boosting.job, "xgboost:1")


def test_a_contract_for_one_machine_plans_and_tells_nothing_of_instances(claimed: World) -> None:
    claimed.freeze()
    plan = claimed.decide()
    assert (plan.search, plan.boosting) == ("job", None)
    assert "boosting" not in plan.hyperparameters


def died_in_boosting(world: World) -> str:
    """A run died while instances learned together; the name of their job."""
    world.contract["training"] = CLUSTER
    died_in_training(world)
    return str(json.loads(world.objects.get("runs/m/m-1-1/plan.json"))["boosting"])


def boosting_of(plan: DecideResult) -> str:
    assert plan.boosting is not None
    return plan.boosting.job


def test_instances_that_still_learn_for_a_run_that_died_are_waited_for(world: World) -> None:
    job = died_in_boosting(world)
    world.jobs.statuses[job] = "InProgress"
    assert boosting_of(world.decide("m-1-2", world.claim(1, 2).fence)) == job


def test_a_booster_that_a_run_that_died_has_left_is_taken(world: World) -> None:
    job = died_in_boosting(world)
    world.jobs.statuses[job] = "Completed"
    world.objects.put(f"boosting/m/{job}/output/model.tar.gz", b"")
    assert boosting_of(world.decide("m-1-2", world.claim(1, 2).fence)) == job


@pytest.mark.parametrize("status", ["Completed", "Failed", "Stopped", None])
def test_instances_learn_again_where_nothing_is_left_of_those_before(world: World, status: str | None) -> None:
    job = died_in_boosting(world)
    if status:
        world.jobs.statuses[job] = status
    assert (
        boosting_of(world.decide("m-1-2", world.claim(1, 2).fence)) == boosting_name("dev", "m-1-2", "ledger-1") != job
    )


def test_a_model_that_is_made_already_is_not_boosted_again_and_its_booster_is_told(world: World) -> None:
    boosting = died_in_boosting(world)
    job = json.loads(world.objects.get("runs/m/m-1-1/plan.json"))["job"]
    world.train(job)
    plan = world.decide("m-1-2", world.claim(1, 2).fence)
    assert (plan.job, plan.search, plan.boosting) == (job, "job", None)
    assert plan.hyperparameters["boosting"] == boosting
