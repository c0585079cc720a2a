"""What becomes of a run that somebody stops and of a file that somebody deletes, and whether the books balance."""

from __future__ import annotations

import json

from retide.domain.accounting import balance
from tests.loop.story import rows
from tests.loop.story.stage import PATIENCE_SECONDS, Item, Stage
from tests.patience import eventually


def reconcile(stage: Stage) -> Item:
    answer = stage.client("lambda").invoke(FunctionName=stage.outputs()["ReconcileFunction"], Payload=b"{}")
    done: Item = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, done
    return done


def settled(stage: Stage, model: str) -> bool:
    return not stage.item(model, "head").get("owner") and not stage.items(model, "pending#")


def test_a_run_that_is_stopped_from_outside_is_recorded_as_stopped_and_its_job_with_it(stage: Stage) -> None:
    eventually(lambda: settled(stage, "fragile"), "the runs before come to their end", PATIENCE_SECONDS)
    jobs = len(stage.jobs("fragile"))
    stage.put("incoming/fragile/long.csv", rows.fragile("hang", batch="z"))
    eventually(lambda: len(stage.jobs("fragile")) > jobs, "the training job begins", PATIENCE_SECONDS)
    execution = str(stage.item("fragile", "head")["owner"])

    stage.client("stepfunctions").stop_execution(executionArn=execution)
    acts = reconcile(stage)["acts"]

    name = execution.rpartition(":")[2]
    assert any(f"run {name} died (ABORTED)" in act for act in acts)
    assert (stage.run("fragile", name)["outcome"], stage.item("fragile", "head").get("owner")) == ("stopped", None)

    def stopped() -> bool:
        job = stage.client("sagemaker").describe_training_job(TrainingJobName=stage.jobs("fragile")[-1])
        return bool(job["TrainingJobStatus"] == "Stopped")

    eventually(stopped, "the job that nobody waits for any more is stopped", PATIENCE_SECONDS)
    assert reconcile(stage)["acts"] == []


def test_a_file_that_is_deleted_for_good_leaves_the_data_and_marks_the_dataset_that_holds_it(stage: Stage) -> None:
    sent = stage.put("incoming/orchard/regretted.csv", rows.orchard(first=5000))
    run = stage.run("orchard", str(stage.outcome("orchard", sent)["run"]))

    stage.client("s3").delete_object(Bucket=stage.bucket, Key=sent.key, VersionId=sent.version)

    dataset = str(run["dataset"])
    eventually(lambda: stage.items("orchard", f"mark#{dataset}#"), "the dataset is marked", PATIENCE_SECONDS)
    assert sent.id not in {item["id"] for item in stage.items("orchard", "accepted#")}
    assert stage.item("orchard", f"object#{sent.id}")["state"] == "accepted"


def test_after_all_of_it_every_message_has_gone_somewhere_and_the_books_balance(stage: Stage) -> None:
    models = ("fragile", "orchard")
    eventually(lambda: all(settled(stage, model) for model in models), "both models come to rest", PATIENCE_SECONDS)
    for model in models:
        account = balance(stage.ledger().books(model))
        assert account.problems == ()
        assert account.received == account.explained > 0
