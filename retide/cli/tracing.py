"""Tell what a version was made of, and which versions learned from a file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from retide.cli.output import counted, plain, shorten, table
from retide.domain.certificate import Certificate
from retide.domain.codec import serialise
from retide.domain.lineage import Learned, Version

SHOWN: Final = 20  # files that are listed one by one


def made_of(version: Version, ancestors: Sequence[Version], children: Sequence[Version]) -> Iterator[RenderableType]:
    """Backwards: code, data, decision, parents; and forwards: who was judged against it."""
    yield Text(f"{version.name} ({version.status})", style="bold")
    if version.certificate is None:
        yield Text(f"! {version.lacking}")
        return
    yield from map(Text, facts(version.certificate))
    yield Text(decided(version))
    yield from _files(version.certificate)
    line = " ← ".join(f"version {one.version}" for one in ancestors)
    yield Text(f"Judged against: {line or 'nobody, it was the first'}")
    if children:
        yield Text(f"Judged against it: {', '.join(f'version {one.version} ({one.status})' for one in children)}")


def facts(certificate: Certificate) -> Iterator[str]:
    """The recipe in words, each line with the digest that a person can check."""
    code, made = certificate.code, certificate.artefact
    commit = f"commit {shorten(code.commit)}, " if code.commit not in ("", "unknown") else ""
    yield f"Artefact: {made.artefact_digest} ({counted(len(made.members), 'file')}), made by job {certificate.job}"
    yield f"Code: {commit}digest {shorten(code.digest)}; contract {shorten(code.contract_digest)}"
    yield f"Ran in: {code.image}, packages {shorten(code.libs_digest)}; state machine {shorten(code.asl_digest) or '-'}"
    if together := certificate.boosting:
        count, booster = together.made.instances, shorten(together.made.booster_sha256)
        yield f"Learned together: {count} instances of job {together.job} in {together.image}; booster {booster}"
    told = {name: text for name, text in certificate.hyperparameters.items() if name in ("seed", "params")}
    yield f"Hyperparameters: {', '.join(f'{name} {text}' for name, text in sorted(told.items()))}"
    found = certificate.evaluation
    yield f"Evaluation: {found.metric} {found.score:.4g} on {found.holdout_rows} rows; {certificate.decision.outcome}"
    data = certificate.data
    yield f"Data: dataset {shorten(data.id)}, {data.rows} rows of {counted(len(data.objects), 'file')}"


def decided(version: Version) -> str:
    """Its approval as the registry has it now, which no certificate can say."""
    why = f": {plain(version.decided)}" if version.decided else ""
    by = f" (changed last by {plain(version.by)})" if version.by else ""
    return f"Approval: {version.status}{why}{by}"


def recipe(version: Version) -> RenderableType:
    """What a registered version was made of, as a part of its run's story."""
    said = facts(version.certificate) if version.certificate else iter((f"! {version.lacking}",))
    lines = [Text("Made of", style="bold cyan"), *(Text(f"  {line}") for line in (*said, decided(version)))]
    return Padding(Group(*lines), (1, 0, 0, 0))


def _files(certificate: Certificate) -> Iterator[RenderableType]:
    rows = table("file", "version", ">rows", "sha256 of its rows")
    for one in certificate.data.objects[:SHOWN]:
        rows.add_row(plain(one.key), one.version, str(one.rows), shorten(one.curated))
    yield rows
    if more := len(certificate.data.objects) - SHOWN:
        yield from (Text(f"and {counted(more, 'other file')} (`--json` lists all)") for _ in range(more > 0))


def learners(subject: str, found: Sequence[Learned], lacking: Sequence[Version]) -> Iterator[RenderableType]:
    """Forwards: who ever saw this file; and of whom nobody can tell."""
    if found:
        rows = table("model", "status", "learned from", ">rows")
        for one in found:
            for source in one.sources:
                rows.add_row(one.version.name, one.version.status, plain(source.key), str(source.rows))
        yield rows
    else:
        yield Text(f"no registered version ever learned from {plain(subject)}")
    yield from (Text(f"! of {one.name} nobody can tell: {one.lacking}") for one in lacking)


def as_json(version: Version) -> dict[str, Any]:
    made: dict[str, Any] = serialise(version)
    return made
