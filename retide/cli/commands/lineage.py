"""The command that walks what models were made of: from a model to its files, and from a file to its models."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final

import typer

from retide.cli import tracing
from retide.cli.certificates import versions
from retide.cli.commands.decisions import parse_which
from retide.cli.failures import CliError, UsageProblem
from retide.cli.options import DEV, AsJson, StageName, TargetName, open_stage
from retide.cli.output import out, show_json
from retide.cli.stage import Stage
from retide.domain import openlineage
from retide.domain.codec import serialise
from retide.domain.environment import package_group_name
from retide.domain.layout import RunId
from retide.domain.ledger import ObjectRecord
from retide.domain.lineage import Version, Wanted, ancestors, children, learned_from
from retide.domain.package import Facts

PART: Final = 8 << 20  # bytes in which the AWS CLI and boto3 upload a large file: its ETag is made of them


def lineage(
    subject: Annotated[
        str,
        typer.Argument(
            metavar="MODEL[@VERSION]|FILE",
            help="A model; or a file: its key or s3:// address, name, a version's id, or one on this machine.",
        ),
    ],
    events: Annotated[
        bool, typer.Option("--openlineage", help="Of a version: its events, one JSON on a line.")
    ] = False,
    stage: StageName = DEV,
    target: TargetName = None,
    as_json: AsJson = False,
) -> None:
    """Say what a version was made of, or which versions ever learned from a file."""
    opened = open_stage(stage, target)
    if subject.partition("@")[0] in opened.models:
        _version(subject, opened, events=events, as_json=as_json)
    elif events:
        raise UsageProblem("--openlineage tells of one version: write MODEL@VERSION")
    else:
        _file(subject, opened, as_json=as_json)


def _version(subject: str, stage: Stage, *, events: bool, as_json: bool) -> None:
    model, wanted = parse_which(subject)
    known = known_versions(stage, model)
    version = chosen(known, model, wanted)
    if events:
        for event in openlineage.events(_told(version, stage)):
            out().print(json.dumps(event), markup=False, soft_wrap=True)
    elif as_json:
        show_json(tracing.as_json(version))
    else:
        out().print(*tracing.made_of(version, tuple(ancestors(version, known)), children(version, known)), sep="\n")


def known_versions(stage: Stage, model: str) -> tuple[Version, ...]:
    group = package_group_name(stage.name, model)
    return tuple(versions(model, group, stage.registry, stage.objects))


def chosen(known: tuple[Version, ...], model: str, wanted: int | None) -> Version:
    """The version asked for, or the newest; raises CliError naming what there is."""
    found = next((one for one in known if wanted in (None, one.version)), None)
    if found is None:
        there = ", ".join(str(one.version) for one in known) or "none yet"
        raise CliError(f"{model} has no version {wanted or ''}; versions: {there}".replace("  ", " "))
    return found


def _told(version: Version, stage: Stage) -> openlineage.Told:
    if version.certificate is None:
        raise CliError(f"{version.name} has no certificate to tell from: {version.lacking}")
    arn = next(
        arn
        for number, arn, _ in stage.registry.versions(package_group_name(stage.name, version.model))
        if number == version.version
    )
    facts = Facts.from_properties(stage.registry.describe(arn).facts)
    run = stage.ledger.run(RunId.parse(version.certificate.run))
    if run is None or run.ended_at is None:
        raise CliError(f"run {version.certificate.run} of {version.name} has not ended: ask again when it has")
    return openlineage.Told(
        version.certificate,
        stage.bucket,
        stage.name,
        facts.certificate,
        facts.certificate_sha256,
        run.started_at,
        run.ended_at,
    )


def _file(subject: str, stage: Stage, *, as_json: bool) -> None:
    known = [version for model in stage.models for version in known_versions(stage, model)]
    records = [record for model in stage.models for record in _records(stage, model, subject)]
    wanted = Wanted(
        frozenset(record.id for record in records), frozenset(record.curated for record in records if record.curated)
    )
    if not records:
        raise CliError(
            f"{subject!r} is no model, and no file that ever arrived; of a file that was changed since it arrived, "
            "give its key in the bucket"
        )
    found = tuple(learned_from(known, wanted))
    if as_json:
        show_json([{"version": one.version.name, "sources": serialise(one.sources)} for one in found])
        return
    lacking = [version for version in known if version.certificate is None]
    out().print(*tracing.learners(subject, found, lacking), sep="\n")


def _records(stage: Stage, model: str, subject: str) -> Iterator[ObjectRecord]:
    """Objects by key, s3:// address, file name, id, S3 version, or by the content of a file on this machine."""
    key = subject.removeprefix(f"s3://{stage.bucket}/")
    local = digests(Path(subject)) if Path(subject).is_file() else frozenset()
    for record in stage.ledger.objects(model):
        named = {record.key, record.id, record.version, record.key.rpartition("/")[2]}
        if record.etag in local or record.sha256 in local or (not local and key in named):
            yield record


def digests(path: Path) -> frozenset[str]:
    """What S3 and manifests call a file of this content: its sha256, and its ETag as it came whole or in parts."""
    whole, sha, parts = hashlib.md5(usedforsecurity=False), hashlib.sha256(), []
    with path.open("rb") as stream:
        while part := stream.read(PART):
            whole.update(part)
            sha.update(part)
            parts.append(hashlib.md5(part, usedforsecurity=False).digest())
    of_parts = f"{hashlib.md5(b''.join(parts), usedforsecurity=False).hexdigest()}-{len(parts)}"
    return frozenset({whole.hexdigest(), sha.hexdigest(), of_parts})
