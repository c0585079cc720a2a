"""What becomes of a run that somebody stops and of a file that somebody deletes, and whether the books balance."""

from __future__ import annotations

import json

from retide.domain.accounting import balance
from retide.domain.retrain import job_name
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


def test_a_job_that_was_begun_before_under_the_same_name_is_gone_on_with_whatever_becomes_of_it(stage: Stage) -> None:
    """As when the answer of the call that began it was lost: here it fails, and its own words are the run's."""
    eventually(lambda: settled(stage, "orchard"), "the runs before come to their end", PATIENCE_SECONDS)
    head = stage.item("orchard", "head")
    run = f"orchard-{head['generation']}-{head['attempt']}"
    name = job_name("dev", run, stage.outputs()["LedgerTable"])
    begun = stage.client("sagemaker").describe_training_job(TrainingJobName=stage.jobs("orchard")[-1])
    same = ("RoleArn", "OutputDataConfig", "ResourceConfig", "StoppingCondition", "EnableNetworkIsolation")
    words = "echo the disk was full > /opt/ml/output/failure; exit 1"
    entry = {**begun["AlgorithmSpecification"], "ContainerEntrypoint": ["sh", "-c"], "ContainerArguments": [words]}
    stage.client("sagemaker").create_training_job(
        TrainingJobName=name, AlgorithmSpecification=entry, **{key: begun[key] for key in same}
    )

    sent = stage.put("incoming/orchard/after-all.csv", rows.orchard(first=9000))

    ended = stage.run("orchard", str(stage.outcome("orchard", sent)["run"]))
    assert (ended["run"], ended["outcome"]) == (run, "failed")
    assert any("the disk was full" in reason for reason in ended["reasons"])
    assert stage.jobs("orchard")[-1] == name
    assert "Adopt training job" in [step["name"] for step in ended["steps"]]


def test_after_all_of_it_every_message_has_gone_somewhere_and_the_books_balance(stage: Stage) -> None:
    models = ("fragile", "orchard")
    eventually(lambda: all(settled(stage, model) for model in models), "both models come to rest", PATIENCE_SECONDS)
    for model in models:
        account = balance(stage.ledger().books(model))
        assert account.problems == ()
        assert account.received == account.explained > 0
