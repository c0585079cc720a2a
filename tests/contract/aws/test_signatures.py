"""Signatures by KMS, and by the fake that steps are tested with: one suite for both."""

from __future__ import annotations

import pytest

from retide.aws.clients import Clients
from retide.aws.signatures import KmsSignatures
from retide.domain.package import VALUE_LIMIT
from retide.ports import Signatures
from tests.fakes import FakeSignatures


def kms(clients: Clients) -> KmsSignatures:
    made = clients.kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    return KmsSignatures(clients.kms, made["KeyMetadata"]["Arn"])


@pytest.fixture(params=["memory", "kms"])
def signatures(request: pytest.FixtureRequest) -> Signatures:
    return FakeSignatures() if request.param == "memory" else kms(request.getfixturevalue("clients"))


def test_a_signature_is_of_its_message_and_of_no_other(signatures: Signatures) -> None:
    made = signatures.sign(b"retide-artefact/1\ngroup")
    assert signatures.verify(b"retide-artefact/1\ngroup", made)
    assert not signatures.verify(b"retide-artefact/1\ngrouq", made)
    flipped = bytes([*made[:-1], made[-1] ^ 1])
    assert not signatures.verify(b"retide-artefact/1\ngroup", flipped)
    assert not signatures.verify(b"retide-artefact/1\ngroup", b"")
    assert not signatures.verify(b"retide-artefact/1\ngroup", b"short")


def test_a_signature_fits_into_the_metadata_of_a_package(signatures: Signatures) -> None:
    assert -(-len(signatures.sign(b"x" * 1000)) // 3) * 4 <= VALUE_LIMIT


def test_another_key_signs_nothing_of_this_one(clients: Clients) -> None:
    one, other = kms(clients), kms(clients)
    assert not one.verify(b"text", other.sign(b"text"))
