"""The functions of a rollout, with payloads as the state machine makes them."""

from __future__ import annotations

import json
from typing import Any

from functions.check_rollout.handler import handler as check
from functions.dispatch.handler import handler as dispatch
from functions.finish_rollout.handler import handler as finish
from functions.prepare_rollout.handler import handler as prepare
from retide.aws.runtime import runtime
from retide.domain import layout
from retide.domain.package import SERVING_ENVIRONMENT, Facts
from retide.ports import Document, NewPackage
from tests.functions.deployment import Deployment, batch, recorded
from tests.unit.steps.world import artefact, artefact_digest

FACTS = Facts(
    "m-1-1", "job-1", "d1", "c", "k", artefact_digest("job-1"), 0, "accepted", "auc", "0.9", "s3://data/r", "e"
)


def approved(deployment: Deployment) -> str:
    aws = runtime()
    key = layout.artefact("m", "job-1")
    deployment.put(key, artefact({"model/model.onnx": b"job-1"}))
    package = NewPackage(
        "retide-dev-m",
        "t",
        "d",
        "image:1",
        aws.objects.uri(key),
        SERVING_ENVIRONMENT,
        FACTS.to_properties(),
        Document("s3://data/e", "0" * 64),
        "s3://data/r",
        "{}",
    )
    arn = aws.registry.create(package)
    # moto forgets the metadata of a package that is updated without them; AWS keeps them.
    deployment.clients.sagemaker.update_model_package(
        ModelPackageArn=arn, ModelApprovalStatus="Approved", CustomerMetadataProperties=FACTS.to_properties()
    )
    deployment.start(deployment.environment.rollout_machine_arn, "m-v1-1")
    return arn


def payload(stage: Deployment, arn: str, **more: Any) -> dict[str, Any]:
    execution = stage.environment.rollout_machine_arn.replace(":stateMachine:", ":execution:") + ":m-v1-1"
    common = {"model": "m", "version": 1, "package_arn": arn, "attempt": 1, "execution": execution}
    common |= {"keeper": "arn:aws:lambda:us-east-1:123456789012:function:keeper", "log_days": 7}
    return {**common, "entered": "2026-11-12T00:00:00Z", **more}


def test_an_approval_becomes_a_rollout_and_a_champion(deployment: Deployment) -> None:
    arn = approved(deployment)
    event = recorded("package_approved")
    assert event["detail"]["ModelPackageArn"] == arn
    assert dispatch(batch(event, event), None)["outcome"] == {"known": 2}
    assert deployment.executions(deployment.environment.rollout_machine_arn) == ["m-v1-1"]

    rollout = prepare(payload(deployment, arn), None)
    assert rollout["outcome"] == "proceed"
    more = {**rollout, "outcome": "healthy", "reason": "all right"}
    assert finish(payload(deployment, arn, **more), None) == {"outcome": "promoted"}
    champion = runtime().ledger.head("m").champion
    assert champion
    assert champion.job == "job-1"


def test_prepare_answers_with_every_field_whatever_the_outcome(deployment: Deployment) -> None:
    arn = approved(deployment)
    proceed = prepare(payload(deployment, arn), None)
    superseded = prepare(payload(deployment, arn, execution="arn:other", attempt=2), None)
    assert (proceed["outcome"], superseded["outcome"]) == ("proceed", "superseded")
    assert {name: type(value) for name, value in proceed.items()} == {
        name: type(value) for name, value in superseded.items()
    }
    assert set(proceed) == {
        "outcome",
        "reason",
        "fence",
        "endpoint",
        "name",
        "exists",
        "image",
        "model_data_url",
        "environment",
        "profile",
        "variants",
        "capture",
        "deployment",
        "previous_config",
        "alive",
        "trial",
        "guarded",
        "retain",
        "retyped",
        "ab",
        "challenger",
        "shadows",
    }


def test_a_rollout_without_an_endpoint_has_failed(deployment: Deployment) -> None:
    arn = approved(deployment)
    answer = check(payload(deployment, arn, fence=1, endpoint="retide-dev-m", name="config"), None)
    assert answer == {"outcome": "failed", "reason": "there is no endpoint retide-dev-m"}


def test_a_failed_rollout_is_recorded_in_the_function_s_own_words(deployment: Deployment) -> None:
    arn = approved(deployment)
    rollout = prepare(payload(deployment, arn), None)
    cause = json.dumps({"errorType": "ValueError", "errorMessage": "no capacity left"})
    more = {**rollout, "outcome": "failed", "reason": cause}
    error = {"Error": "ValueError", "Cause": cause}
    assert finish(payload(deployment, arn, **more, error=error), None) == {"outcome": "failed"}
    (release,) = runtime().ledger.releases("m")
    assert release.reason == "ValueError: no capacity left"
