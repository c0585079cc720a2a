"""Read the certificates of registered versions, each held against the digest that the registry has of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Protocol

from retide.domain.certificate import FORMAT, BadCertificate, Certificate
from retide.domain.codec import CodecError, parse
from retide.domain.lineage import Version
from retide.domain.package import Facts
from retide.ports import ObjectGone, Package, Registry


class Reader(Protocol):
    def get(self, key: str) -> bytes:
        """Raises ObjectGone."""
        ...


def versions(model: str, group: str, registry: Registry, objects: Reader) -> Iterator[Version]:
    """A model's versions, newest first."""
    for _, arn, _ in registry.versions(group):
        yield version_of(model, registry.describe(arn), objects)


def version_of(model: str, package: Package, objects: Reader) -> Version:
    try:
        certificate, lacking = read(package, objects), ""
    except (BadCertificate, LookupError) as error:
        certificate, lacking = None, str(error)
    status = package.status.value
    return Version(model, package.version, status, certificate, lacking, package.reason, package.by)


def read(package: Package, objects: Reader) -> Certificate:
    """Raises BadCertificate where there is none or not the one that was bound, LookupError for foreign packages."""
    facts = Facts.from_properties(package.facts)
    if not facts.certificate:
        raise BadCertificate("it was registered before there were certificates: retrain for one that has one")
    key = facts.certificate.removeprefix("s3://").partition("/")[2]
    try:
        data = objects.get(key)
    except ObjectGone as error:
        raise BadCertificate(f"its certificate is gone: {error}") from error
    if hashlib.sha256(data).hexdigest() != facts.certificate_sha256:
        raise BadCertificate(f"its certificate at {facts.certificate} was altered: the registry has another sha256")
    return _parsed(data, facts)


def _parsed(data: bytes, facts: Facts) -> Certificate:
    try:
        certificate = parse(Certificate, json.loads(data))
    except (CodecError, ValueError) as error:
        raise BadCertificate(f"its certificate at {facts.certificate} cannot be read: {error}") from error
    if certificate.format != FORMAT:
        raise BadCertificate(f"its certificate has the format {certificate.format!r}; this code reads {FORMAT!r}")
    if certificate.artefact.artefact_digest != facts.artefact_digest:
        raise BadCertificate("its certificate is of another artefact than the registry says")
    return certificate
