"""What the loop makes of good, better, worse and failing models, each looked up where a person would."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from tests.loop.story import rows
from tests.loop.story.stage import PATIENCE_SECONDS, Stage
from tests.patience import eventually


def test_a_first_model_needs_no_champion_and_answers_as_its_evaluation_recorded(stage: Stage) -> None:
    sent = stage.put("incoming/fragile/first.csv", rows.fragile(batch="a"))

    record = stage.outcome("fragile", sent)
    run = stage.run("fragile", str(record["run"]))
    release = stage.rollout("fragile", 1)

    assert (record["state"], run["outcome"], release["verdict"]) == ("accepted", "approved", "promoted")
    golden = stage.read(f"runs/fragile/{run['run']}/evaluation/golden.json")["requests"]
    answers = stage.invoke("fragile", {"records": [request["record"] for request in golden]})["predictions"]
    for request, answer in zip(golden, answers, strict=True):
        assert answer["label"] == request["prediction"]["label"]
        assert answer["probability"] == pytest.approx(request["prediction"]["probability"], abs=1e-6)


def test_a_good_challenger_is_compared_on_one_holdout_and_promoted(stage: Stage) -> None:
    sent = stage.put("incoming/fragile/second.csv", rows.fragile(batch="b", rows=160))

    run = stage.run("fragile", str(stage.outcome("fragile", sent)["run"]))
    evaluation = stage.read(f"runs/fragile/{run['run']}/evaluation/evaluation.json")

    assert run["outcome"] == "approved"
    assert [evaluation[side]["job"] for side in ("champion", "challenger")] == stage.jobs("fragile")
    assert stage.rollout("fragile", 2)["verdict"] == "promoted"


def test_a_worse_challenger_is_refused_with_its_reasons_and_the_champion_keeps_serving(stage: Stage) -> None:
    served = stage.served("fragile")

    sent = stage.put("incoming/fragile/dull.csv", rows.fragile("dull", batch="c", rows=160))
    run = stage.run("fragile", str(stage.outcome("fragile", sent)["run"]))

    assert run["outcome"] == "kept"
    assert any("margin" in reason for reason in run["reasons"])
    assert stage.served("fragile") == served
    assert stage.invoke("fragile", {"records": [{"height": 2.0, "mood": "fine"}]})["predictions"][0]["label"] == "yes"


def test_a_training_job_that_fails_ends_the_run_as_failed_in_the_model_s_own_words(stage: Stage) -> None:
    served = stage.served("fragile")

    sent = stage.put("incoming/fragile/raise.csv", rows.fragile("raise", batch="d"))
    run = stage.run("fragile", str(stage.outcome("fragile", sent)["run"]))

    assert run["outcome"] == "failed"
    assert any("the data told this model to fail" in reason for reason in run["reasons"])
    assert stage.served("fragile") == served


@pytest.mark.nightly  # half a minute of waiting
def test_a_training_job_that_hangs_is_stopped_at_its_limit(stage: Stage) -> None:
    sent = stage.put("incoming/fragile/hang.csv", rows.fragile("hang", batch="e"))

    run = stage.run("fragile", str(stage.outcome("fragile", sent)["run"]))
    job = stage.client("sagemaker").describe_training_job(TrainingJobName=stage.jobs("fragile")[-1])

    assert run["outcome"] == "timed out"
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")


def test_after_a_failure_the_next_good_batch_simply_works(stage: Stage) -> None:
    sent = stage.put("incoming/fragile/third.csv", rows.fragile(batch="f", rows=160))

    run = stage.run("fragile", str(stage.outcome("fragile", sent)["run"]))

    assert run["outcome"] in {"approved", "kept"}


def test_a_contract_alone_makes_a_model_that_waits_for_a_person_and_serves_once_the_link_is_answered(
    stage: Stage,
) -> None:
    mailbox = stage.subscribe()
    sent = stage.put("incoming/orchard/trees.csv", rows.orchard())
    run = stage.run("orchard", str(stage.outcome("orchard", sent)["run"]))
    assert run["outcome"] == "awaiting approval"
    with pytest.raises(ClientError, match="ValidationError"):
        stage.invoke("orchard", {"records": [{"weight": 180.0}]})

    approve, reject = stage.links(mailbox)
    assert [stage.follow(approve)[0], stage.follow(f"{approve}x")[0]] == [200, 403]
    assert stage.client("sagemaker").describe_model_package(ModelPackageName=run["package"])["ModelCard"]
    assert stage.approval(run) == "PendingManualApproval"

    status, page = stage.follow(approve, method="POST")

    assert (status, stage.approval(run)) == (200, "Approved")
    assert "version 1 of orchard" in page
    assert stage.follow(reject, method="POST")[0] == 409
    assert stage.rollout("orchard", 1)["verdict"] == "promoted"
    answer = stage.invoke("orchard", {"records": [{"weight": 180.0, "colour": "red", "ripe": True, "slope": "north"}]})
    assert answer["predictions"][0]["label"] == "apple"


@pytest.mark.nightly
def test_two_models_run_side_by_side_and_neither_waits_for_the_other(stage: Stage) -> None:
    sent = {
        "orchard": stage.put("incoming/orchard/more.csv", rows.orchard(first=1000)),
        "fragile": stage.put("incoming/fragile/fourth.csv", rows.fragile(batch="g", rows=160)),
    }

    runs = [stage.run(model, str(stage.outcome(model, version)["run"])) for model, version in sent.items()]

    starts, ends = [str(run["started_at"]) for run in runs], [str(run["ended_at"]) for run in runs]
    assert max(starts) < min(ends)
    assert {run["outcome"] for run in runs} <= {"approved", "awaiting approval", "kept"}


@pytest.mark.nightly
def test_what_arrives_during_a_run_starts_exactly_one_successor_that_holds_it_all(stage: Stage) -> None:
    before = len(stage.items("fragile", "run#"))
    first = stage.put("incoming/fragile/burst-0.csv", rows.fragile(batch="h"))
    eventually(lambda: stage.item("fragile", "head").get("owner"), "the run takes its lease", PATIENCE_SECONDS)

    later = [stage.put(f"incoming/fragile/burst-{n}.csv", rows.fragile(batch=f"h{n}")) for n in range(1, 6)]
    runs = {str(stage.outcome("fragile", sent)["run"]) for sent in later}

    assert len(runs) == 1
    assert str(stage.outcome("fragile", first)["run"]) not in runs
    assert len(stage.items("fragile", "run#")) == before + 2
