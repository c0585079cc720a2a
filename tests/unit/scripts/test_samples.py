"""The samples that come with Retide are what the script makes of public data, and small enough for a repository."""

from pathlib import Path
from typing import Final

import pytest

from retide.contracts import load
from retide.data import judge
from scripts.samples import SAMPLES, write_samples
from tests.architecture.tree import ROOT

MODELS: Final = ROOT / "training/models"


def test_samples_are_the_bytes_that_the_script_writes(tmp_path: Path) -> None:
    made = write_samples(tmp_path)
    assert [path.parent.name for path in made] == list(SAMPLES)
    for path in made:
        assert path.read_bytes() == (MODELS / path.relative_to(tmp_path)).read_bytes()


@pytest.mark.parametrize("model", SAMPLES)
def test_a_sample_is_small_and_accepted_without_a_word(model: str) -> None:
    file = MODELS / model / "sample.csv"
    verdict = judge(file, load(MODELS / model))
    assert (verdict.findings, verdict.rows) == ((), SAMPLES[model][1])
    assert file.stat().st_size < 60_000
