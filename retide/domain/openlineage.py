"""A training as events of OpenLineage: the files that went in, the artefact that came out.

Schema: https://openlineage.io/spec/2-0-2/OpenLineage.json (RunEvent).
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from retide.domain.certificate import Certificate

SCHEMA: Final = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
VERSION_FACET: Final = (
    "https://openlineage.io/spec/facets/1-0-1/DatasetVersionDatasetFacet.json#/$defs/DatasetVersionDatasetFacet"
)
CUSTOM_FACET: Final = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/BaseFacet"
PRODUCER: Final = "urn:retide"

type Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Told:
    """A model's certificate, where it lies, and the times (ISO 8601) at which its run began and ended."""

    certificate: Certificate
    bucket: str
    stage: str
    uri: str
    sha256: str
    started_at: str
    ended_at: str


def events(told: Told) -> tuple[Event, Event]:
    """The beginning and the end of the run that made the model."""
    return _event(told, "START", told.started_at, outputs=[]), _event(
        told, "COMPLETE", told.ended_at, outputs=[_artefact(told)]
    )


def _event(told: Told, kind: str, at: str, *, outputs: list[Event]) -> Event:
    return {
        "eventType": kind,
        "eventTime": at,
        "run": {"runId": _run_id(told), "facets": {"retide_certificate": _certificate(told)}},
        "job": {"namespace": f"retide-{told.stage}", "name": f"{told.certificate.model}.train", "facets": {}},
        "inputs": [
            _dataset(told, one.key, one.version, rows=one.rows, curatedSha256=one.curated)
            for one in told.certificate.data.objects
        ],
        "outputs": outputs,
        "producer": PRODUCER,
        "schemaURL": SCHEMA,
    }


def _run_id(told: Told) -> str:
    """The same run has the same id, whenever it is told of."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{PRODUCER}/{told.bucket}/{told.certificate.run}"))


def _certificate(told: Told) -> Event:
    code = told.certificate.code
    return _facet(
        CUSTOM_FACET,
        run=told.certificate.run,
        uri=told.uri,
        sha256=told.sha256,
        dataset=told.certificate.data.id,
        commit=code.commit,
        codeDigest=code.digest,
        contractDigest=code.contract_digest,
        image=code.image,
        decision=told.certificate.decision.outcome,
        metrics=dict(told.certificate.evaluation.metrics),
    )


def _artefact(told: Told) -> Event:
    made = told.certificate.artefact
    return _dataset(told, made.archive.key, made.archive.version, artefactDigest=made.artefact_digest)


def _dataset(told: Told, key: str, version: str, **more: object) -> Event:
    """Named as OpenLineage names objects of S3: the bucket is the namespace, the key the name."""
    facets: Mapping[str, Event] = {
        "version": _facet(VERSION_FACET, datasetVersion=version),
        "retide_content": _facet(CUSTOM_FACET, **more),
    }
    return {"namespace": f"s3://{told.bucket}", "name": key, "facets": facets}


def _facet(schema: str, **content: object) -> Event:
    return {"_producer": PRODUCER, "_schemaURL": schema, **content}
