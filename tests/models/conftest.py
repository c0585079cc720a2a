"""Every model by itself; a model that does not train fails once, and what needs it trained is skipped."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from infra import bundles
from retide.data import judge
from retide.domain.contract import Contract
from retide.domain.reader import ContractError
from scripts.jobs import ROOT
from tests.models import subjects
from tests.models.subjects import Subject
from training import data, train
from training.errors import JobError


@dataclass(frozen=True, slots=True)
class Attempt:
    """A training that went well, or why it did not."""

    model: train.Trained | None
    reason: str = ""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "subject" in metafunc.fixturenames:
        found = [s for s in subjects.subjects() if s.made is None or "of_folder" not in metafunc.fixturenames]
        metafunc.parametrize("subject", found, ids=[subject.name for subject in found], scope="module")


@pytest.fixture(scope="module")
def of_folder(subject: Subject) -> Subject:
    """Asked for by tests that concern what a person wrote: contracts without a folder are left out."""
    return subject


@pytest.fixture(scope="module")
def contract(subject: Subject) -> Contract:
    try:
        return subject.contract()
    except ContractError:
        pytest.skip("the contract cannot be used, which fails the linter's test")


@pytest.fixture(scope="module")
def part(subject: Subject, contract: Contract) -> data.Split:
    if subject.sample.is_file() and not judge(subject.sample, contract).accepted:
        pytest.skip("the sample is refused, which fails a test of its own")
    return subjects.split(subject, contract)


@pytest.fixture(scope="module")
def attempt(subject: Subject, contract: Contract, part: data.Split) -> Iterator[Attempt]:
    try:
        yield Attempt(subjects.trained(subject, contract, part))
    except JobError as error:
        yield Attempt(None, str(error))


@pytest.fixture(scope="module")
def model(attempt: Attempt) -> train.Trained:
    if attempt.model is None:
        pytest.skip("the model does not train, which fails a test of its own")
    return attempt.model


@pytest.fixture(scope="session")
def libs() -> Path:
    return bundles.libraries(ROOT)
