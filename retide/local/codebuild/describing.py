"""A build as BatchGetBuilds tells it."""

from __future__ import annotations

from retide.local.codebuild.build import Build, Uploaded, describe_phase
from retide.local.codebuild.seam import RUNNING
from retide.local.interfaces import Json


def describe(build: Build) -> Json:
    """With datetimes; None for what is not known yet."""
    plan = build.plan
    with build.lock:
        return {
            **plan.described,
            "id": build.id,
            "arn": build.arn,
            "buildNumber": build.number,
            "startTime": build.created,
            "endTime": build.ended,
            "currentPhase": build.phase.type,
            "buildStatus": build.status,
            "sourceVersion": plan.source_version or None,
            "resolvedSourceVersion": plan.resolved_version or None,
            "projectName": plan.project,
            "phases": [describe_phase(phase) for phase in build.phases],
            "artifacts": _artifacts(build)[0] if _artifacts(build) else {"location": ""},
            "secondaryArtifacts": _artifacts(build, secondary=True),
            "logs": _logs(build),
            "buildComplete": build.status != RUNNING,
            "initiator": plan.initiator,
            "exportedEnvironmentVariables": [{"name": key, "value": value} for key, value in build.exported.items()],
        }


def _artifacts(build: Build, *, secondary: bool = False) -> list[Json]:
    return [_artifact(one) for one in build.uploaded if bool(one.identifier) is secondary]


def _artifact(uploaded: Uploaded) -> Json:
    return {
        "location": uploaded.location,
        "sha256sum": uploaded.sha256 or None,
        "md5sum": uploaded.md5 or None,
        "artifactIdentifier": uploaded.identifier or None,
    }


def _logs(build: Build) -> Json:
    group = build.plan.log_group
    if not group:
        return {"cloudWatchLogs": {"status": "DISABLED"}}
    region, account = build.arn.split(":")[3:5]
    return {
        "groupName": group,
        "streamName": build.log_stream,
        "cloudWatchLogsArn": f"arn:aws:logs:{region}:{account}:log-group:{group}:log-stream:{build.log_stream}",
        "cloudWatchLogs": {"status": "ENABLED", "groupName": group},
    }
