"""Walk what models were made of, in both directions: from a model to its files, and from a file to its models."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from retide.domain.certificate import Certificate, Source


@dataclass(frozen=True, slots=True)
class Version:
    """A registered version as it stands now; `certificate` is None, and `lacking` says why, where there is none.

    `status` is in the registry's words, `decided` what was said with the decision, `by` who changed it last, as far as
    the registry tells.
    """

    model: str
    version: int
    status: str
    certificate: Certificate | None = None
    lacking: str = ""
    decided: str = ""
    by: str = ""

    @property
    def name(self) -> str:
        return f"{self.model}@{self.version}"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file: the ids of its object versions, and the sha256 of their rows, by which equal rows are found as well."""

    ids: frozenset[str]
    curated: frozenset[str]

    def finds(self, source: Source) -> bool:
        return source.id in self.ids or source.curated in self.curated


@dataclass(frozen=True, slots=True)
class Learned:
    """A version that learned from a file, and which of its sources it was."""

    version: Version
    sources: tuple[Source, ...]


def learned_from(versions: Iterable[Version], wanted: Wanted) -> Iterator[Learned]:
    """Which versions ever saw the rows of a file."""
    for version in versions:
        found = tuple(filter(wanted.finds, version.certificate.data.objects)) if version.certificate else ()
        if found:
            yield Learned(version, found)


def ancestors(version: Version, versions: Sequence[Version]) -> Iterator[Version]:
    """The champions that it and they were judged against, nearest first."""
    known = {one.version: one for one in versions if one.model == version.model}
    seen: Collection[int] = {version.version}
    at: Version | None = version
    while at is not None and at.certificate is not None:
        parent = at.certificate.parent.version
        at = known.get(parent) if parent not in seen else None
        seen = {*seen, parent}
        if at is not None:
            yield at


def children(version: Version, versions: Iterable[Version]) -> tuple[Version, ...]:
    """The versions that were judged against it."""
    return tuple(
        one
        for one in versions
        if one.model == version.model and one.certificate and one.certificate.parent.version == version.version
    )
