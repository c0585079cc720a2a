"""What a model package says of itself: short texts that lead back to the run, its data and its artefact."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from typing import Final

VALUE_LIMIT: Final = 256
UNWANTED: Final = re.compile(r"[^\w\s.:/=+\-@]")
NONE: Final = "none"
SIGNED: Final = "retide-artefact/1"

MODEL_DIGEST: Final = "RETIDE_MODEL_DIGEST"
"""Names the variable by which a server is told the digest of the artefact that it may load."""
SERVING_ENVIRONMENT: Final[Mapping[str, str]] = {
    "SAGEMAKER_SERVING_MODULE": "server.wsgi:app",
    "PYTHONPATH": "/opt/ml/model/code",
    "PYTHONDONTWRITEBYTECODE": "1",  # what lies beside a model is what was registered, in every worker's eyes
    "SAGEMAKER_USE_NGINX": "false",
}


@dataclass(frozen=True, slots=True)
class Facts:
    """The lineage of a package; `champion` is the version that it was judged against, 0 where there was none.

    `signature` is base64, empty where artefacts are not signed.
    """

    run: str
    job: str
    dataset: str
    code_digest: str
    contract_digest: str
    artefact_digest: str
    champion: int
    decision: str
    metric: str
    score: str
    record: str
    decision_digest: str
    image: str = ""
    libs_digest: str = ""
    commit: str = ""
    archive_sha256: str = ""
    certificate: str = ""
    certificate_sha256: str = ""
    signature: str = ""

    def signed(self, group: str) -> bytes:
        """What a signature is of: which model of which stage it is, its bytes, and what is known of it."""
        parts = (SIGNED, group, self.job, self.artefact_digest, self.archive_sha256, self.certificate_sha256)
        return "\n".join(parts).encode()

    def to_properties(self) -> dict[str, str]:
        """CustomerMetadataProperties: 1 to 256 letters, digits, blanks and _.:/=+-@ each."""
        return {name: _property(str(value)) for name, value in asdict(self).items()}

    @classmethod
    def from_properties(cls, properties: Mapping[str, str]) -> Facts:
        """Raises LookupError for a package that Retide did not register."""
        missing = [field.name for field in fields(cls) if field.name not in properties and field.default is MISSING]
        if missing or not properties.get("champion", "").isdigit():
            lacking = ", ".join(missing) or "a version number as champion"
            raise LookupError(f"the package was not registered by a run: its metadata lack {lacking}")
        given = {field.name: properties[field.name] for field in fields(cls) if field.name in properties}
        unsaid = {field.name for field in fields(cls) if field.default == "" and given.get(field.name) == NONE}
        known = {name: text for name, text in given.items() if name not in unsaid}
        return cls(**{**known, "champion": int(properties["champion"])})  # type: ignore[arg-type]


def _property(text: str) -> str:
    return UNWANTED.sub("_", text)[:VALUE_LIMIT] or NONE
