"""An A/B test on a running cloud: the rollout machine's states bring the challenger, and its answers are compared."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial

import pytest

from retide.aws.captures import S3Captures
from retide.aws.endpoints import SageMakerEndpoints
from retide.domain import hosting
from retide.domain.ab_quality import score_for
from retide.domain.ab_report import Report, report
from retide.domain.captured import read
from retide.domain.contract import Profile, Serving
from retide.domain.ledger import AbTest
from retide.local.interfaces import Json
from tests.contract.local_sagemaker.bench import BUCKET, IMAGE, Bench
from tests.contract.local_sagemaker.test_rollout_states import roll_out
from tests.patience import eventually

ROWS = 55
SERVING = Serving(profile=Profile.INSTANCE, instance_type="ml.m5.large", instances=2)


def hosted(name: str, version: str) -> Json:
    environment = {"SAGEMAKER_SERVING_MODULE": "server:app", "PYTHONPATH": "/opt/ml/model/code"}
    url = f"s3://{BUCKET}/models/{version}.tar.gz"
    return {"name": name, "image": IMAGE, "model_data_url": url, "environment": environment}


def begin(bench: Bench, name: str, percent: int) -> AbTest:
    """Version 1 serves, and a rollout brings version 2 beside it."""
    alone, beside, challenger = f"{name}-v1-aaaaaa", f"{name}-v1-bbbbbb", f"{name}-v2-cccccc"
    bench.config(alone, "1", InstanceType="ml.m5.large", InitialInstanceCount=2)
    bench.endpoint(name, alone)
    variants, shadows = hosting.tested(beside, challenger, percent, SERVING)
    known = {
        **hosted(beside, "1"),
        "endpoint": name,
        "exists": True,
        "alive": True,
        "previous_config": alone,
        "profile": "instance",
        "guarded": False,
        "retyped": False,
        "trial": False,
        "poll_seconds": 1,
        "variants": variants,
        "shadows": shadows,
        "capture": hosting.capture(SERVING, name, f"s3://{BUCKET}/", test=True),
        "ab": {"test": "t", "variant": hosting.CHALLENGER if percent else ""},
        "challenger": hosted(challenger, "2"),
    }
    asked = datetime.now(UTC).isoformat()
    output = roll_out(bench, name, "Create model", {"rollout": known})
    assert output["end"] == "Check rollout", output.get("error")
    now = bench.running.change_time()["now"]
    return AbTest("t", 1, 2, "arn", percent, "ada", "", asked, endpoint=name, began_at=now)


def compared(bench: Bench, test: AbTest) -> Report | None:
    """Every second row was a "yes": version 1 says "no" to all, version 2 "yes"; None until all are there."""
    captures = S3Captures(bench.s3, BUCKET, most=None)
    beside = hosting.SHADOW if test.shadow else hosting.CHALLENGER
    prefixes = (f"{hosting.CAPTURES}{test.endpoint}/{test.endpoint}/{name}/" for name in (hosting.VARIANT, beside))
    since = datetime.fromisoformat(test.began_at)
    lines = [read(line) for prefix in prefixes for line in captures.lines(prefix, since)]
    truth = {f"row-{n}": "yes" if n % 5 else "no" for n in range(2 * ROWS)}
    found = report(test, lines, truth, ["id"], score_for("accuracy"))
    return found if found.champion.known == found.challenger.known == ROWS else None


def test_a_shadow_answers_what_the_champion_answers_and_nobody_hears_it(bench: Bench) -> None:
    test = begin(bench, "ab-shadow", 0)
    heard = {bench.invoke("ab-shadow", InferenceId=f"row-{n}")["version"] for n in range(ROWS)}
    assert heard == {"1"}
    found = eventually(partial(compared, bench, test), "what both answered is captured")
    assert found.agreement
    assert (found.agreement.answers, found.agreement.same) == (ROWS, 0)
    assert found.gain
    assert [found.gain.champion, found.gain.challenger] == pytest.approx([0.2, 0.8])
    assert found.gain.verdict == "better"


def test_a_challenger_answers_its_share_and_can_be_asked_by_itself(bench: Bench) -> None:
    test = begin(bench, "ab-split", 40)
    shown = bench.sagemaker.describe_endpoint(EndpointName="ab-split")["ProductionVariants"]
    assert {one["VariantName"]: one["CurrentWeight"] for one in shown} == {"AllTraffic": 60.0, "Challenger": 40.0}
    endpoints = SageMakerEndpoints(bench.sagemaker, bench.runtime)
    assert b'"version": "2"' in endpoints.invoke("ab-split", b"{}", hosting.CHALLENGER)
    for n in range(2 * ROWS):
        bench.invoke("ab-split", InferenceId=f"row-{n}", TargetVariant=("AllTraffic", "Challenger")[n >= ROWS])
    found = eventually(partial(compared, bench, test), "what both answered is captured")
    assert found.gain
    assert found.gain.rows == (ROWS, ROWS)
    assert found.gain.estimate == pytest.approx(0.6)
