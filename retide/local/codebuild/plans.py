"""Settles what a build is to do: the project, the overrides of its start, and what a pipeline hands in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from retide.local.codebuild.errors import invalid_input, not_supported
from retide.local.codebuild.plan import Plan, Source, Target
from retide.local.codebuild.seam import Clone, Input, Order, Output, Variable, Zip
from retide.local.codebuild.workspace import is_inline
from retide.local.interfaces import Json

PIPELINE: Final = "CODEPIPELINE"
WHOLE: Final = {  # overrides that replace a member of the project
    "artifactsOverride": "artifacts",
    "secondaryArtifactsOverride": "secondaryArtifacts",
    "secondarySourcesOverride": "secondarySources",
    "secondarySourcesVersionOverride": "secondarySourceVersions",
    "sourceVersion": "sourceVersion",
    "cacheOverride": "cache",
    "serviceRoleOverride": "serviceRole",
    "timeoutInMinutesOverride": "timeoutInMinutes",
    "queuedTimeoutInMinutesOverride": "queuedTimeoutInMinutes",
    "encryptionKeyOverride": "encryptionKey",
    "logsConfigOverride": "logsConfig",
}
WITHIN: Final = {  # overrides of something within a member
    "sourceTypeOverride": ("source", "type"),
    "sourceLocationOverride": ("source", "location"),
    "buildspecOverride": ("source", "buildspec"),
    "environmentTypeOverride": ("environment", "type"),
    "imageOverride": ("environment", "image"),
    "computeTypeOverride": ("environment", "computeType"),
    "imagePullCredentialsTypeOverride": ("environment", "imagePullCredentialsType"),
}
REPEATED: Final = (
    "source",
    "secondarySources",
    "secondarySourceVersions",
    "cache",
    "environment",
    "serviceRole",
    "timeoutInMinutes",
    "queuedTimeoutInMinutes",
    "encryptionKey",
)


def plan_of_request(project: Json, request: Json, initiator: str) -> Plan:
    """The plan of StartBuild. Raises InvalidInputException."""
    settled = _overridden(project, request)
    if settled["source"]["type"] == PIPELINE:
        raise invalid_input(
            f"The source of project {settled['name']} is CODEPIPELINE: a pipeline starts its builds, "
            "or give sourceTypeOverride"
        )
    check_project(settled)
    version = settled.get("sourceVersion", "")
    sources = tuple(_sources(settled))
    return _plan(settled, initiator, sources, tuple(_targets(settled)), version=version, revision="")


def plan_of_order(project: Json, order: Order) -> Plan:
    """The plan of a pipeline's build. Raises InvalidInputException."""
    for member in ("source", "artifacts"):
        if project[member]["type"] != PIPELINE:
            raise invalid_input(f"A pipeline can use {project['name']} only if the type of its {member} is {PIPELINE}")
    settled = _with_variables(project, [_as_json(variable) for variable in order.variables])
    sources = (Source("", order.primary), *(Source(one.name, one) for one in order.others))
    several = len(order.outputs) > 1
    targets = tuple(_output(one, one.name if several else "") for one in order.outputs)
    version, revision = _versions(order.primary)
    return _plan(settled, f"codepipeline/{order.pipeline}", sources, targets, version=version, revision=revision)


def check_project(project: Json) -> None:
    """What AWS checks beyond the shape of the request. Raises InvalidInputException."""
    source, artifacts = project["source"], project["artifacts"]
    if source["type"] == "NO_SOURCE" and not is_inline(source.get("buildspec", "")):
        raise invalid_input("A project with the source NO_SOURCE needs its buildspec inline")
    if source.get("buildspec", "").startswith("arn:"):
        raise not_supported("A buildspec in S3")
    if (source["type"] == PIPELINE) != (artifacts["type"] == PIPELINE):
        raise invalid_input("source and artifacts must both be CODEPIPELINE, or neither")
    list(_targets(project))
    if source["type"] != PIPELINE:
        list(_sources(project))
    if project.get("cache", {}).get("type") == "LOCAL" and not project["cache"].get("modes"):
        raise invalid_input("A cache of type LOCAL needs modes")


def _plan(
    settled: Json,
    initiator: str,
    sources: tuple[Source, ...],
    targets: tuple[Target, ...],
    *,
    version: str,
    revision: str,
) -> Plan:
    cloudwatch = settled.get("logsConfig", {}).get("cloudWatchLogs", {"status": "ENABLED"})
    logged = cloudwatch["status"] == "ENABLED"
    return Plan(
        project=settled["name"],
        initiator=initiator,
        buildspec=settled["source"].get("buildspec", ""),
        sources=sources,
        targets=targets,
        variables=tuple(_variable(one) for one in settled["environment"].get("environmentVariables", ())),
        minutes=settled["timeoutInMinutes"],
        queued_minutes=settled["queuedTimeoutInMinutes"],
        log_group=cloudwatch.get("groupName", f"/aws/codebuild/{settled['name']}") if logged else "",
        log_prefix=cloudwatch.get("streamName", ""),
        caches_directories="LOCAL_CUSTOM_CACHE" in settled.get("cache", {}).get("modes", ()),
        image=settled["environment"]["image"],
        encryption_key=settled["encryptionKey"],
        source_version=version,
        resolved_version=revision,
        described={member: settled[member] for member in REPEATED if member in settled},
    )


def _overridden(project: Json, request: Json) -> Json:
    settled: Json = {**project, "source": dict(project["source"]), "environment": dict(project["environment"])}
    for name, member in WHOLE.items():
        if name in request:
            settled[member] = request[name]
    for name, (member, inner) in WITHIN.items():
        if name in request:
            settled[member][inner] = request[name]
    return _with_variables(settled, request.get("environmentVariablesOverride", []))


def _with_variables(project: Json, given: list[Json]) -> Json:
    merged = {variable["name"]: variable for variable in project["environment"].get("environmentVariables", [])}
    merged |= {variable["name"]: variable for variable in given}
    return {**project, "environment": {**project["environment"], "environmentVariables": list(merged.values())}}


def _sources(project: Json) -> list[Source]:
    versions = {one["sourceIdentifier"]: one["sourceVersion"] for one in project.get("secondarySourceVersions", ())}
    found = [_source("", project["source"], project.get("sourceVersion", ""))]
    for source in project.get("secondarySources", ()):
        name = source.get("sourceIdentifier")
        if not name:
            raise invalid_input("Every secondary source needs a sourceIdentifier")
        found.append(_source(name, source, versions.get(name, "")))
    return [source for source in found if source is not None]


def _source(name: str, source: Json, version: str) -> Source | None:
    if source["type"] == "NO_SOURCE":
        return None
    location = source.get("location", "").removeprefix("arn:aws:s3:::")
    bucket, _, key = location.partition("/")
    if source["type"] != "S3" or not bucket or not key:
        raise invalid_input(f"The location of an S3 source must look like bucket/path.zip, not {location!r}")
    if key.endswith("/"):
        raise not_supported("An S3 source that is a folder")
    return Source(name, Zip(name, bucket, key, version=version))


def _targets(project: Json) -> list[Target]:
    found = [("", project["artifacts"])]
    for artifact in project.get("secondaryArtifacts", ()):
        if not artifact.get("artifactIdentifier"):
            raise invalid_input("Every secondary artifact needs an artifactIdentifier")
        found.append((artifact["artifactIdentifier"], artifact))
    return [_target(project["name"], name, artifact) for name, artifact in found if artifact["type"] == "S3"]


def _target(project: str, identifier: str, artifact: Json) -> Target:
    if not artifact.get("location"):
        raise invalid_input("Artifacts of type S3 need a location, the name of a bucket")
    return Target(
        identifier,
        artifact["location"],
        artifact.get("path", ""),
        artifact.get("name", project),
        zipped=artifact.get("packaging") == "ZIP",
        by_build=artifact.get("namespaceType") == "BUILD_ID",
        name_from_buildspec=artifact.get("overrideArtifactName", False),
    )


def _output(output: Output, identifier: str) -> Target:
    return Target(identifier, output.bucket, "", output.key, zipped=True)


def _versions(primary: Input) -> tuple[str, str]:
    if isinstance(primary, Clone):
        return primary.commit, primary.commit
    return f"arn:aws:s3:::{primary.bucket}/{primary.key}", primary.revision


def _variable(given: Mapping[str, Any]) -> Variable:
    return Variable(given["name"], given["value"], given.get("type", "PLAINTEXT"))


def _as_json(variable: Variable) -> Json:
    return {"name": variable.name, "value": variable.value, "type": variable.type}
