"""Deploying again: nothing where nothing changed, one retrain for changed model code, new behaviour for a handler."""

from __future__ import annotations

import json

import pytest

from tests.loop.story import rows
from tests.loop.story.project import Project
from tests.loop.story.stage import Stage


def test_deploying_again_without_a_change_changes_and_retrains_nothing(stage: Stage, project: Project) -> None:
    runs = {model: len(stage.items(model, "run#")) for model in ("tumour", "changing", "orchard")}

    said = project.deploy()

    assert said.count("(no changes)") == 3
    assert {model: len(stage.items(model, "run#")) for model in runs} == runs


@pytest.mark.nightly  # that code retrains its model and no other is seen on the pipeline's road as well
def test_changed_code_of_one_model_retrains_that_model_once_with_the_cause_code(stage: Stage, project: Project) -> None:
    stage.outcome("changing", stage.put("incoming/changing/before.csv", rows.fragile(batch="x", rows=160)))
    before = {model: len(stage.items(model, "run#")) for model in ("changing", "orchard")}

    project.edit("training/models/changing/contract.yaml", lambda text: text + "params: {C: 0.5}\n")
    project.deploy()

    run = stage.last_run("changing", before["changing"] + 1)
    assert [request["cause"] for request in run["requests"]] == ["code"]
    assert run["outcome"] in {"approved", "kept"}
    assert len(stage.items("orchard", "run#")) == before["orchard"]


@pytest.mark.nightly
def test_a_changed_handler_and_a_changed_workflow_are_what_runs_next(stage: Stage, project: Project) -> None:
    project.edit("retide/steps/freeze.py", lambda text: text.replace('"created_at"', '"frozen_at"'))
    project.edit(
        "infra/workflows/retrain.asl.json", lambda text: text.replace('"Comment": "', '"Comment": "Edited. ', 1)
    )

    project.deploy("--method", "direct")
    record = stage.outcome("changing", stage.put("incoming/changing/edited.csv", rows.fragile(batch="y", rows=160)))

    dataset = stage.run("changing", str(record["run"]))["dataset"]
    assert "frozen_at" in stage.read(f"datasets/changing/{dataset}/manifest.json")
    machine = stage.client("stepfunctions").describe_state_machine(stateMachineArn=stage.outputs()["RetrainMachineArn"])
    assert json.loads(machine["definition"])["Comment"].startswith("Edited. ")
