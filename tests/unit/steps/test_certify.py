"""A model's certificate: what it was made of, kept once, and bound in the registry."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict

from retide.domain.certificate import Certificate, Together
from retide.domain.codec import parse
from retide.domain.evaluation import Boosted
from retide.domain.package import Facts
from tests.unit.steps.world import World


def bound(world: World, version: int) -> tuple[Certificate, bytes]:
    facts = Facts.from_properties(world.registry.describe(world.arn(version)).facts)
    data = world.objects.get(facts.certificate.removeprefix("s3://bucket/"))
    assert hashlib.sha256(data).hexdigest() == facts.certificate_sha256
    return parse(Certificate, json.loads(data)), data


def two_versions() -> World:
    world = World()
    world.serve_first_version()
    world.dispatch(world.put("incoming/m/b.csv", b"y"))
    world.run_to_package("d2", champion=0.8)
    return world


def test_a_certificate_says_all_that_a_model_was_made_of() -> None:
    world = two_versions()
    certificate, _ = bound(world, 2)
    assert (certificate.model, certificate.run, certificate.data.id) == ("m", "m-2-1", "d2")
    assert [one.key for one in certificate.data.objects] == ["incoming/m/a.csv", "incoming/m/b.csv"]
    for one in certificate.data.objects:
        assert world.objects.head(one.key, one.version)
    code = certificate.code
    assert (code.digest, code.libs_digest, code.image) == (world.code, world.libs, world.image)
    assert (code.contract_digest, code.commit) == (world.parsed.digest, "one")
    assert code.code_uri.endswith("code.zip")
    assert certificate.hyperparameters["dataset"] == "d2"
    assert certificate.seed == "0"
    assert certificate.evaluation.metrics == {"roc_auc": 0.9}
    assert certificate.evaluation.champion == {"roc_auc": 0.8}
    assert certificate.decision.outcome == "accepted"
    assert certificate.parent.version == 1
    assert certificate.parent.job == bound(world, 1)[0].job


def test_a_model_of_several_instances_names_their_job_their_image_and_what_passed_between_them() -> None:
    world = World()
    world.contract["training"] = {"distributed": {"instances": 2}}
    made = Boosted(2, 100, shards_sha256="5" * 64, booster_sha256="b" * 64)
    world.dispatch(world.put())
    world.run_to_package(boosting=asdict(made))

    certificate, _ = bound(world, 1)

    assert certificate.boosting == Together(certificate.hyperparameters["boosting"], "xgboost:1", made)
    assert certificate.code.image == world.image
    assert bound(two_versions(), 1)[0].boosting is None


def test_every_document_that_it_names_has_the_digest_that_it_says() -> None:
    world = two_versions()
    certificate, _ = bound(world, 2)
    named = (
        certificate.artefact.archive,
        certificate.data.manifest,
        certificate.evaluation.document,
        certificate.decision.document,
    )
    for document in named:
        assert hashlib.sha256(world.objects.get(document.key, document.version)).hexdigest() == document.sha256


def test_registering_twice_leaves_one_certificate() -> None:
    world = two_versions()
    before = {key: len(found) for key, found in world.objects.versions.items() if "certificate-" in key}
    world.register("m-2-1", world.ledger.head("m").token)
    assert {key: len(found) for key, found in world.objects.versions.items() if "certificate-" in key} == before
    assert len(before) == 2
