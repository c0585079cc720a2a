"""Is a package's artefact byte for byte the one that was evaluated? The first thing wrong with it, in words."""

from __future__ import annotations

import binascii
from base64 import b64decode

from retide.domain import artefact, layout
from retide.domain.package import MODEL_DIGEST, Facts
from retide.ports import ObjectGone, Objects, Package, Signatures


def damage(package: Package, objects: Objects, model: str, signatures: Signatures | None = None) -> str | None:
    """What is wrong with the artefact, or None where it is byte for byte the one that was evaluated, and is signed.

    Without `signatures` this stage signs none, and nothing is asked of one.
    """
    facts = Facts.from_properties(package.facts)
    if signatures and (why := _unsigned(package.group, facts, signatures)):
        return why
    key = layout.artefact(model, facts.job)
    if package.model_data_url != objects.uri(key):
        return f"the package points at {package.model_data_url}, not at the artefact of its job {facts.job}"
    expected = package.environment.get(MODEL_DIGEST, facts.artefact_digest)
    if expected != facts.artefact_digest:
        return f"the server would look for {expected[:12]}…, but {facts.artefact_digest[:12]}… was evaluated"
    try:
        with objects.open(key) as stream:
            found = artefact.inspect(stream)
    except (ObjectGone, ValueError) as error:
        return str(error)
    if found.digest != facts.artefact_digest:
        return f"the artefact's digest is {found.digest[:12]}…, but {facts.artefact_digest[:12]}… was evaluated"
    if facts.archive_sha256 and found.sha256 != facts.archive_sha256:
        return f"the archive's sha256 is {found.sha256[:12]}…, but {facts.archive_sha256[:12]}… was registered"
    return None


def _unsigned(group: str, facts: Facts, signatures: Signatures) -> str:
    """What is wrong with the signature; empty where it is this stage's, of this very model."""
    if not facts.signature:
        return "it has no signature, and this stage serves only what is signed: retrain for a version that is"
    try:
        signature = b64decode(facts.signature, validate=True)
    except binascii.Error:
        signature = b""
    if signatures.verify(facts.signed(group), signature):
        return ""
    return "its signature is not this stage's of this artefact: the registry's entry was altered or copied"
