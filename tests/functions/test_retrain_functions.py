"""The functions of a retrain, one after the other, with payloads as the state machine makes them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from functions.claim.handler import handler as claim
from functions.decide.handler import handler as decide
from functions.dispatch.handler import handler as dispatch
from functions.gate.handler import handler as gate
from functions.register.handler import handler as register
from functions.release.handler import handler as release
from retide.aws.runtime import runtime
from retide.domain import layout
from retide.domain.codec import CodecError
from retide.domain.layout import RunId
from tests.functions.deployment import Deployment, batch, recorded
from tests.unit.steps.world import artefact, artefact_digest, evaluation

RUN = RunId("m", 1, 1)


def payload(deployment: Deployment, **more: Any) -> dict[str, Any]:
    arn = deployment.environment.retrain_machine_arn.replace(":stateMachine:", ":execution:")
    common = {"model": "m", "generation": 1, "attempt": 1, "run": "m-1-1", "entered": "2026-11-12T00:00:00Z"}
    return {**common, "execution": f"{arn}:m-1-1", **more}


def run_until_decided(deployment: Deployment) -> dict[str, Any]:
    dispatch(batch(deployment.put("incoming/m/a.csv", b"person,age,ill\n")), None)
    fence = claim(payload(deployment), None)["fence"]
    ledger = runtime().ledger
    (item,) = ledger.claimed(RUN).objects
    ledger.accept(RUN, fence, item.id, curated="s", rows=100, verdict="v")
    label = {"nulls": 0, "categories": {"counts": {"no": 50, "yes": 50}, "others": 0}}
    profile = {"rows": 100, "columns": {"ill": label}}
    deployment.put(layout.dataset("m", "d1", "profile.json"), json.dumps(profile).encode())
    manifest = {"dataset": "d1", "rows": 100, "bucket_threshold": 2000, "cutoff": None, "objects": []}
    deployment.put(layout.dataset("m", "d1", "manifest.json"), json.dumps(manifest).encode())
    return {"fence": fence, **decide(payload(deployment, fence=fence, dataset="d1"), None)}


def run_to_its_end(deployment: Deployment, score: float) -> dict[str, Any]:
    plan = run_until_decided(deployment)
    deployment.put(layout.artefact("m", plan["job"]), artefact({"model/model.onnx": plan["job"].encode()}))
    found = evaluation(score, job=plan["job"], dataset="d1", digest=artefact_digest(plan["job"]))
    deployment.put("runs/m/m-1-1/evaluation/evaluation.json", json.dumps(found).encode())
    more = {"fence": plan["fence"], "dataset": "d1", "job": plan["job"]}
    outcome = gate(payload(deployment, **more), None)["outcome"]
    registered = register(payload(deployment, **more, gate=outcome), None)
    released = release(payload(deployment, fence=plan["fence"], outcome=registered["outcome"]), None)
    return {**registered, **released}


def test_an_arrival_becomes_a_run_a_package_and_a_record(deployment: Deployment) -> None:
    ended = run_to_its_end(deployment, score=0.9)
    assert ended["outcome"] == "approved"
    package = deployment.clients.sagemaker.describe_model_package(ModelPackageName=ended["package"])
    assert package["ModelApprovalStatus"] == "Approved"
    assert deployment.read("runs/m/m-1-1/record.json")["run"]["outcome"] == "approved"
    assert runtime().ledger.head("m").generation == 2


def test_a_rejected_model_ends_as_rejected(deployment: Deployment) -> None:
    ended = run_to_its_end(deployment, score=0.6)
    assert ended["outcome"] == "rejected"
    package = deployment.clients.sagemaker.describe_model_package(ModelPackageName=ended["package"])
    assert package["ModelApprovalStatus"] == "Rejected"


def test_the_plan_has_every_field_that_the_state_machine_picks(deployment: Deployment) -> None:
    plan = run_until_decided(deployment)
    assert {name: type(plan[name]) for name in plan} == {
        "fence": int,
        "outcome": str,
        "job": str,
        "evaluation": str,
        "hyperparameters": dict,
        "instance_type": str,
        "volume_gib": int,
        "max_runtime_seconds": int,
        "code_uri": str,
        "code_file": str,
        "libs_uri": str,
        "champion_job": str,
        "search": str,
        "tuning": type(None),
        "boosting": type(None),
    }


def test_a_failed_run_is_released_with_the_state_machine_s_error(deployment: Deployment) -> None:
    plan = run_until_decided(deployment)
    cause = json.dumps({"FailureReason": "AlgorithmError: exit code 1"})
    error = {"Error": "States.TaskFailed", "Cause": cause}
    assert release(payload(deployment, fence=plan["fence"], outcome="failed", error=error), None) == {
        "outcome": "failed"
    }
    record = deployment.read("runs/m/m-1-1/record.json")
    assert record["run"]["reasons"] == ["States.TaskFailed: AlgorithmError: exit code 1"]


def test_claim_answers_with_every_field_whatever_the_outcome(deployment: Deployment) -> None:
    empty = {"outcome": "nothing", "fence": 0, "objects": [], "causes": []}
    assert claim(payload(deployment), None) == {**empty, "spread": "inline", "list": "", "concurrency": 1}
    assert claim(payload(deployment), None)["outcome"] == "lost"


def test_a_message_that_cannot_be_handled_now_comes_again_alone(deployment: Deployment) -> None:
    good = deployment.put("incoming/m/größe 1+2.csv", b"x")
    deployment.clients.states.delete_state_machine(stateMachineArn=deployment.environment.rollout_machine_arn)
    answer = dispatch(batch(good, "not JSON", recorded("package_approved")), None)
    assert answer["batchItemFailures"] == [{"itemIdentifier": "message-2"}]
    assert deployment.executions(deployment.environment.retrain_machine_arn) == ["m-1-1"]
    assert len(runtime().ledger.refusals()) == 1


def test_a_recorded_event_of_an_object_that_is_gone_is_refused(deployment: Deployment) -> None:
    assert dispatch(batch(recorded("object_created")), None)["batchItemFailures"] == []
    assert "was deleted" in runtime().ledger.refusals()[0].reason


def test_a_payload_that_lacks_a_field_names_it(deployment: Deployment) -> None:
    with pytest.raises(CodecError, match="fence: expected a whole number, not nothing"):
        gate(payload(deployment, dataset="d1", job="j"), None)


def test_each_call_is_one_line_of_json(deployment: Deployment, capfd: pytest.CaptureFixture[str]) -> None:
    claim(payload(deployment), None)
    line = json.loads(capfd.readouterr().err.splitlines()[-1])
    assert (line["step"], line["model"], line["run"], line["outcome"]) == ("claim", "m", "m-1-1", "nothing")
    assert line["seconds"] >= 0
