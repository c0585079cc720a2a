"""prepare_judging as the state machine calls it: the payload in, everything that the job's state reads out."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

from functions.claim.handler import handler as claim
from functions.dispatch.handler import handler as dispatch
from functions.prepare_judging.handler import handler as prepare_judging
from retide.aws.runtime import runtime
from retide.domain.layout import RunId
from tests.functions.deployment import Deployment, batch

MACHINE: Final = Path(__file__).parents[2] / "infra/workflows/retrain.asl.json"
RUN: Final = RunId("m", 1, 1)
DATA: Final = b"person,age,ill\n1,2,no\n"


def selector() -> dict[str, str]:
    """What the machine takes of the function's answer."""
    many = json.loads(MACHINE.read_text())["States"]["Validate many"]["ItemProcessor"]["States"]
    found: dict[str, str] = many["Prepare judging"]["ResultSelector"]
    return found


def claimed(deployment: Deployment) -> dict[str, Any]:
    """An object has arrived and is claimed: what the machine gives to the function."""
    dispatch(batch(deployment.put("incoming/m/a.csv", DATA)), None)
    execution = deployment.environment.retrain_machine_arn.replace(":stateMachine:", ":execution:") + ":m-1-1"
    given = {"model": "m", "generation": 1, "attempt": 1, "run": "m-1-1", "entered": "2026-11-12T00:00:00Z"}
    given |= {"execution": execution}
    fence = claim(given, None)["fence"]
    (item,) = runtime().ledger.claimed(RUN).objects
    return {**given, "fence": fence, "object": item.id, "crash": ""}


def test_an_object_is_laid_out_for_a_job_and_the_answer_is_all_that_the_machine_reads(deployment: Deployment) -> None:
    payload = claimed(deployment)

    answer = prepare_judging(payload, None)

    read = {name for path in selector().values() for name in re.findall(r"\$\.Payload\.(\w+)", path)}
    assert read == set(answer)
    assert answer["outcome"] == "judge"
    assert {channel["InputName"] for channel in answer["inputs"]} == {"code", "libs", "object"}
    assert answer["code_file"] == "code.zip"
    copied = deployment.clients.s3.get_object(Bucket="data", Key=f"runs/m/m-1-1/judging/{payload['object']}/input/data")
    assert copied["Body"].read() == DATA


def test_an_object_with_a_verdict_is_answered_with_nothing_to_judge_and_every_field(deployment: Deployment) -> None:
    payload = claimed(deployment)
    runtime().ledger.accept(RUN, payload["fence"], payload["object"], curated="s", rows=1, verdict="v")

    answer = prepare_judging(payload, None)

    assert (answer["outcome"], answer["inputs"], answer["max_runtime_seconds"]) == ("record", [], 0)
