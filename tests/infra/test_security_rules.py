"""cdk-nag's AwsSolutions rules: every finding is known with its reason, and no reason is kept in vain."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks

from infra.app import add_stacks
from infra.settings import STAGES
from tests.infra.conftest import ROOT

# A finding's id and the path of its construct, as one pattern; and why it stands.
ACKNOWLEDGED: Final = {
    r"S1 \S+-data/Data/": "access logs need a bucket of their own; CloudTrail's data events are the account's choice",
    r"L1 ": "python3.12 is the version that the locks, the tests and the SageMaker image share",
    r"SF1 ": "errors are logged; every step of every run is in its history and in the run's record",
    r"SF2 retide-dev-": "traces cost by the request; staging and prod have them on",
    r"IAM5\[Resource::[^*]*/(incoming|curated|datasets|models|quarantine|runs|verdicts)/\*\] ": (
        "keys under one prefix are made at run time"
    ),
    r"IAM5\[Resource::arn:\S+:s3:::cdk-\S+-assets-\S+/retide-\w+/\*\.zip\] \S+/JobRole/": (
        "a run that a deployment overtakes ends with the code of the deployment before"
    ),
    r"IAM5\[Resource::<DataBucket\w+\.Arn>/\*\] retide-dev-data/EmptyBucket/": (
        "emptying a bucket takes every key; only where a stage keeps nothing"
    ),
    r"IAM5\[Resource::arn:\S+:sagemaker:\S+/retide-\w+-\*(/\*)?\] ": (
        "jobs, models and endpoints are made at run time, under names of this stage"
    ),
    r"IAM5\[Resource::arn:\S+:execution:retide-\w+-(retrain|rollout):\*\] ": "executions are named at run time",
    r"IAM5\[Resource::arn:\S+:log-group:/aws/sagemaker/\S+\] ": (
        "SageMaker names a log stream for each job and each endpoint"
    ),
    r"IAM5\[Resource::\*\] \S+/(JobRole|ServingRole)/": (
        "ECR's token and CloudWatch's metrics know no resource; the metrics' namespace is a condition"
    ),
    r"IAM5\[Resource::\*\] \S+/(Retrain|Rollout)/Role/": "log delivery and X-Ray know no resource",
    r"IAM5\[Resource::\*\] retide-(staging|prod)-\S+/Role/": "X-Ray knows no resource",
    r"IAM5\[Resource::\*\] retide-dev-serving/RemoveModel/": "SageMaker's lists of models and configs know no resource",
}


def _findings(folder: Path, stage: str) -> Iterator[str]:
    context = json.loads((ROOT / "cdk.json").read_text())["context"]
    app = App(outdir=str(folder), context={**context, "aws:cdk:disable-asset-staging": True})
    add_stacks(app, ROOT, STAGES[stage], commit="unknown")
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    with pytest.raises(RuntimeError, match="ValidationFailed"):
        app.synth()
    report = json.loads((folder / "validation-report.json").read_text())
    for violation in report["pluginReports"][0]["violations"]:
        for construct in violation["violatingConstructs"]:
            yield f"{violation['ruleName'].removeprefix('AwsSolutions-')} {construct['constructPath']}"


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return [finding for stage in ("dev", "prod") for finding in _findings(tmp_path_factory.mktemp("nag"), stage)]


def test_every_finding_of_cdk_nag_is_known_with_its_reason(findings: list[str]) -> None:
    unknown = [finding for finding in findings if not any(re.match(known, finding) for known in ACKNOWLEDGED)]
    assert unknown == []


def test_no_finding_is_acknowledged_that_is_not_there(findings: list[str]) -> None:
    idle = [known for known in ACKNOWLEDGED if not any(re.match(known, finding) for finding in findings)]
    assert idle == []
