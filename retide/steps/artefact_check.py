"""Is a package's artefact byte for byte the one that was evaluated? The first thing wrong with it, in words."""

from __future__ import annotations

from retide.domain import artefact, layout
from retide.domain.package import MODEL_DIGEST, Facts
from retide.ports import ObjectGone, Objects, Package


def damage(package: Package, objects: Objects, model: str) -> str | None:
    """What is wrong with the artefact, or None where it is byte for byte the one that was evaluated."""
    facts = Facts.from_properties(package.facts)
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
