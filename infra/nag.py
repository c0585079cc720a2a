"""Hold every stack against cdk-nag's rules and our own: each finding is known with its reason, or `make nag` fails."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks

from infra.app import FORESEEN, ROADS, ROOT, add, refusal
from infra.assemble import flags
from infra.rules import broken
from infra.settings import STAGES

# What a road is made of when it is only looked at; every setting that adds a resource is on.
EXAMPLE: Final[Mapping[str, str]] = {
    "level": "2",
    "repository": "owner/name",
    "connection": "arn:aws:codeconnections:us-east-1:000000000000:connection/example",
    "approval": "yes",
}
# A stage with all that a stage may have: links by which people approve, and artefacts that are signed.
GUARDED: Final = ("prod", {"level": "0", "signing": "yes"})
# A finding's id and the path of its construct, as one pattern; and why it stands.
ACKNOWLEDGED: Final[Mapping[str, str]] = {
    r"S1 \S+-data/Data/": "access logs need a bucket of their own; CloudTrail's data events are the account's choice",
    r"L1 ": "python3.12 is the version that the locks, the tests and the SageMaker image share",
    r"SF1 ": "errors are logged; every step of every run is in its history and in the run's record",
    r"SF2 retide-dev-": "traces cost by the request; staging and prod have them on",
    r"IAM5\[Resource::[^*]*/(batches|boosting|captures|experiments|incoming|curated|datasets|keys|models|quarantine|runs|verdicts)/\*"
    r"(/(answers|brief|evaluation|judging|output|records|shards)/\*)?\] ": (
        "keys under one prefix are made at run time"
    ),
    r"IAM5\[Resource::arn:\S+:s3:::cdk-\S+-assets-\S+/retide-\w+/\*\.zip\] \S+/(Boosting|Job)Role/": (
        "a run that a deployment overtakes ends with the code of the deployment before"
    ),
    r"IAM5\[Resource::<DataBucket\w+\.Arn>/\*\] retide-dev-data/EmptyBucket/": (
        "emptying a bucket takes every key; only where a stage keeps nothing"
    ),
    r"IAM5\[Resource::arn:\S+:sagemaker:\S+/retide-\w+-\*(/\*|-v\*-\*)?\] ": (
        "jobs, models and endpoints are made at run time, under names of this stage"
    ),
    r"IAM5\[Resource::arn:\S+:ssm:\S+:parameter/retide/\w+/\*\] \S+-serving/(finish_rollout|RemoveModel)/": (
        "a model's parameter, which says where it is served, is made with its first endpoint"
    ),
    r"IAM5\[Resource::arn:\S+:cloudwatch:\S+:alarm:retide-\w+-\*\] \S+/Rollout/Role/": (
        "which of a stage's alarms watch a deployment its contracts say"
    ),
    r"IAM5\[Resource::arn:\S+:application-autoscaling:\S+:scalable-target/\*\] ": (
        "a scalable target has an id of AWS's; that it is an endpoint's is a condition"
    ),
    r"IAM5\[Resource::arn:\S+:cloudwatch:\S+:alarm:TargetTracking-endpoint/retide-\w+-\*\] \S+/set_scaling/": (
        "Application Auto Scaling names the alarms of its policies after their endpoints"
    ),
    r"IAM5\[Resource::arn:\S+:iam::\S+:role/aws-service-role/sagemaker.application-autoscaling.amazonaws.com/\*\] ": (
        "the one role that this service may have; which service is a condition"
    ),
    r"IAM5\[Resource::arn:\S+:(execution|mapRun):retide-\w+-(retrain|rollout)(/objects)?:\*\] ": (
        "executions are named at run time, and those that are items of a Map by Step Functions itself"
    ),
    r"IAM5\[Resource::arn:\S+:log-group:/aws/sagemaker/\S+\] ": (
        "SageMaker names a log stream for each job and each endpoint"
    ),
    r"IAM5\[Resource::\*\] \S+/(Boosting|Job|Serving)Role/": (
        "ECR's token and CloudWatch's metrics know no resource; the metrics' namespace is a condition"
    ),
    r"IAM5\[Resource::\*\] \S+/(Batch|Retrain|Rollout)/Role/": "log delivery and X-Ray know no resource",
    r"IAM5\[Resource::\*\] retide-(staging|prod)-\S+/Role/": "X-Ray knows no resource",
    r"IAM5\[Resource::\*\] retide-dev-(serving/(RemoveModel|clean_up|watch_shift)|retraining/reconcile)/": (
        "SageMaker's lists and CloudWatch's metrics know no resource; the metrics' namespace is a condition"
    ),
    r"APIG4 \S+-retraining/ApprovalLinks/(Get|Post)": (
        "the link is the password: sealed by KMS, good for one version and one decision, once, until it expires"
    ),
    r"S1 retide-delivery/": "access logs need a bucket of their own; CloudTrail's data events are the account's choice",
    r"IAM5\[Resource::<Artefacts\w+\.Arn>/\*\] retide-delivery/": "CodePipeline names artefacts at run time",
    r"IAM5\[Resource::arn:\S+:(s3|sqs|dynamodb|cloudformation):\S+retide-\w+-\S+\] retide-(delivery|github)/": (
        "CloudFormation names buckets, tables and queues, after the stacks of their stage"
    ),
    r"SQS3 retide-delivery/Notices/Failures/": "it is itself the queue for what EventBridge could not tell the topic",
    r"CB4 retide-delivery/": "AWS's own key encrypts what a build leaves; a key of one's own costs a dollar a month",
}


@dataclass(frozen=True, slots=True)
class Nagged:
    """What came of it: findings that nobody acknowledged, and acknowledgements that nothing needs."""

    unknown: tuple[str, ...]
    idle: tuple[str, ...]


def findings(folder: Path) -> Iterator[str]:
    """Every finding as `<rule> <construct>`, for all stages, roads and GUARDED; `folder` takes the assemblies."""
    stage, settings = GUARDED
    looked_at: dict[str, tuple[str, Mapping[str, str]]] = {name: (name, {}) for name in (*STAGES, *ROADS)}
    looked_at["guarded"] = (stage, settings)
    for place, (name, more) in looked_at.items():
        yield from _of_cdk_nag(folder / place, name, more)
        yield from broken(folder / place)


def _of_cdk_nag(folder: Path, name: str, more: Mapping[str, str]) -> Iterator[str]:
    context = {**flags(ROOT), "aws:cdk:disable-asset-staging": True, **EXAMPLE, **more, "stage": name}
    app = App(outdir=str(folder), context=context)
    add(app, ROOT, app.node.get_all_context())
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    try:
        app.synth()
    except RuntimeError as error:
        if "ValidationFailed" not in str(error):
            raise
    report = json.loads((folder / "validation-report.json").read_text(encoding="utf-8"))
    for violation in report["pluginReports"][0]["violations"]:
        for construct in violation["violatingConstructs"]:
            yield f"{violation['ruleName'].removeprefix('AwsSolutions-')} {construct['constructPath']}"


def judge(found: list[str]) -> Nagged:
    known = {pattern: [one for one in found if re.match(pattern, one)] for pattern in ACKNOWLEDGED}
    explained = {one for matches in known.values() for one in matches}
    return Nagged(
        unknown=tuple(one for one in found if one not in explained),
        idle=tuple(pattern for pattern, matches in known.items() if not matches),
    )


def main() -> int:
    """Print what nobody knows yet to stdout: cdk-nag itself prints every finding to stderr."""
    try:
        with TemporaryDirectory() as folder:
            found = list(findings(Path(folder)))
    except FORESEEN as error:
        print(refusal(error))
        return 1
    nagged = judge(found)
    for one in nagged.unknown:
        print(f"nag: {one}: mend it, or acknowledge it with a reason in infra/nag.py")
    for pattern in nagged.idle:
        print(f"nag: nothing needs the acknowledgement {pattern!r}: remove it from infra/nag.py")
    print(
        f"nag: {len(found)} findings in {', '.join((*STAGES, *ROADS))} and a guarded {GUARDED[0]}, "
        f"{len(found) - len(nagged.unknown)} acknowledged"
    )
    return 1 if nagged.unknown or nagged.idle else 0


if __name__ == "__main__":
    sys.exit(main())
