"""From a model to its files and back, and as events in the published schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest
from jsonschema import Draft202012Validator, FormatChecker, ValidationError

from retide.domain.artefact import Member
from retide.domain.certificate import (
    FORMAT,
    Certificate,
    Code,
    Data,
    Decided,
    Document,
    Made,
    Measured,
    Parent,
    Source,
)
from retide.domain.lineage import Version, Wanted, ancestors, children, learned_from
from retide.domain.openlineage import SCHEMA, Told, events

PUBLISHED: Final[Any] = json.loads(Path(__file__).with_name("openlineage.schema.json").read_text())


def certificate(number: int, parent: int = 0, files: tuple[str, ...] = ("a",)) -> Certificate:
    sources = tuple(Source(f"id-{name}", f"incoming/m/{name}.csv", f"v-{name}", name * 64, 100) for name in files)
    document = Document("key", "0" * 64, "v1")
    return Certificate(
        format=FORMAT,
        model="m",
        run=f"m-{number}-1",
        job=f"job-{number}",
        artefact=Made("d" * 64, Document(f"models/m/job-{number}/output/model.tar.gz", "1" * 64, "v1"), _members()),
        data=Data(f"d{number}", document, 100, 2000, None, sources),
        code=Code("c" * 64, "k" * 64, "l" * 64, "sklearn:1", "abc", "s" * 64, "s3://a/code.zip", "s3://a/libs.zip"),
        hyperparameters={"seed": "0", "params": "{}"},
        evaluation=Measured(document, "roc_auc", 0.9, 60, {"roc_auc": 0.9}, (), None),
        decision=Decided(document, "accepted", ()),
        parent=Parent(parent, f"job-{parent}" if parent else ""),
    )


def _members() -> tuple[Member, ...]:
    return (Member("model/model.onnx", "2" * 64, 10),)


VERSIONS: Final = (
    Version("m", 4, "Approved", certificate(4, 2, ("a", "c"))),
    Version("m", 3, "Rejected", None, "registered before"),
    Version("m", 2, "Approved", certificate(2, 1, ("a", "b"))),
    Version("m", 1, "Approved", certificate(1)),
)


def names(versions: Any) -> list[str]:
    return [one.name for one in versions]


def test_a_file_leads_to_every_version_that_learned_from_it() -> None:
    def who(*, ids: set[str] | None = None, curated: set[str] | None = None) -> list[str]:
        wanted = Wanted(frozenset(ids or ()), frozenset(curated or ()))
        return [found.version.name for found in learned_from(VERSIONS, wanted)]

    assert who(ids={"id-a"}) == ["m@4", "m@2", "m@1"]
    assert who(ids={"id-b"}) == ["m@2"]
    assert who(ids={"a copy that was no news"}, curated={"c" * 64}) == ["m@4"]
    assert who(ids={"id-z"}) == []


def test_a_version_leads_to_the_champions_before_it_and_those_judged_against_it() -> None:
    assert names(ancestors(VERSIONS[0], VERSIONS)) == ["m@2", "m@1"]
    assert names(children(VERSIONS[3], VERSIONS)) == ["m@2"]
    assert names(ancestors(VERSIONS[3], VERSIONS)) == []


def test_a_circle_of_parents_which_nobody_could_register_ends() -> None:
    circle = (Version("m", 1, "Approved", certificate(1, 2)), Version("m", 2, "Approved", certificate(2, 1)))
    assert names(ancestors(circle[0], circle)) == ["m@2"]


TOLD: Final = Told(
    certificate(2, 1, ("a", "b")),
    "bucket",
    "dev",
    "s3://bucket/runs/m/m-2-1/certificate-1.json",
    "3" * 64,
    "2026-01-01T00:00:00+00:00",
    "2026-01-01T00:03:00+00:00",
)
VALIDATOR: Final = Draft202012Validator(PUBLISHED, format_checker=FormatChecker())


def test_events_are_those_of_the_published_schema() -> None:
    start, complete = events(TOLD)
    for event in (start, complete):
        VALIDATOR.validate(event)
        assert event["schemaURL"] == SCHEMA
        assert SCHEMA.removesuffix("#/$defs/RunEvent") in PUBLISHED["$comment"]
    assert (start["eventType"], complete["eventType"]) == ("START", "COMPLETE")
    assert start["run"]["runId"] == complete["run"]["runId"]
    assert [one["name"] for one in complete["inputs"]] == ["incoming/m/a.csv", "incoming/m/b.csv"]
    assert complete["inputs"][0]["facets"]["version"]["datasetVersion"] == "v-a"
    assert complete["outputs"][0]["name"] == "models/m/job-2/output/model.tar.gz"


@pytest.mark.parametrize("lacking", ["run", "job", "eventTime", "producer", "schemaURL"])
def test_the_schema_would_tell(lacking: str) -> None:
    _, event = events(TOLD)
    del event[lacking]
    with pytest.raises(ValidationError):
        VALIDATOR.validate(event)


@pytest.mark.parametrize(
    ("place", "name", "wrong"),
    [
        ((), "eventType", "DONE"),
        ((), "eventTime", "yesterday"),
        (("run",), "runId", "m-1-1"),
        (("run", "facets", "retide_certificate"), "_schemaURL", None),
        (("inputs", 0), "namespace", None),
        (("inputs", 0, "facets", "version"), "datasetVersion", 1),
        (("outputs", 0, "facets", "retide_content"), "_producer", None),
    ],
)
def test_the_schema_looks_into_runs_datasets_and_facets(place: tuple[Any, ...], name: str, wrong: object) -> None:
    _, event = events(TOLD)
    found: Any = event
    for step in place:
        found = found[step]
    found[name] = wrong
    with pytest.raises(ValidationError):
        VALIDATOR.validate(event)
