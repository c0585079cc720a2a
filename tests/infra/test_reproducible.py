"""Two builds of one commit, at different places and times and under different habits, give the same bytes."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.architecture.tree import files, shown
from tests.infra.conftest import ROOT

CONTEXT: Final = (
    "commit=c0ffee",
    "repository=ada/churn",
    "connection=arn:aws:codeconnections:us-east-1:000000000000:connection/abc",
)
ASSEMBLE: Final = [sys.executable, "-m", "infra.assemble", *(word for one in CONTEXT for word in ("-c", one))]


def clone(target: Path, *, umask: int, moment: int) -> Path:
    """The checkout's own files once more, each newly written, and a few of the compiled packages."""
    before = os.umask(umask)
    try:
        for file in (*files(), *_packages()):
            copy = target / shown(file)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(file.read_bytes())
            os.utime(copy, (moment, moment))
    finally:
        os.umask(before)
    return target


def _packages() -> Iterator[Path]:
    """Small files from both zips: whole packages are fetched and laid by `make setup`, whose bytes the locks bind."""
    for folder in ("data", "libs"):
        found = sorted((ROOT / "build/packages" / folder).rglob("*.py*"))
        yield from [file for file in found if file.is_file()][:50]


def assembled(checkout: Path, seed: str) -> dict[str, str]:
    """The digest of every file that would be deployed, by its path."""
    environment = {**os.environ, "PYTHONPATH": str(checkout), "PYTHONHASHSEED": seed, "CDK_DEFAULT_REGION": "eu-west-1"}
    done = subprocess.run(ASSEMBLE, cwd=checkout, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    folder = checkout / "build/assembly"
    documents = [path for path in folder.rglob("*") if path.suffix == ".json"]
    assert [path.name for path in documents if str(checkout) in path.read_text()] == []
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return assembled(clone(tmp_path_factory.mktemp("first"), umask=0o022, moment=1_000_000_000), "0")


def test_two_clones_of_one_commit_give_identical_templates_and_assets(first: dict[str, str], tmp_path: Path) -> None:
    second = assembled(clone(tmp_path / "a place/much deeper", umask=0o077, moment=1_700_000_001), "7")
    assert {name for name in first.keys() | second.keys() if first.get(name) != second.get(name)} == set()


def test_an_assembly_holds_all_that_is_deployed(first: dict[str, str]) -> None:
    stages = {name.partition("/")[0] for name in first}
    assert stages == {"staging", "prod", "delivery"}
    assert len([name for name in first if name.endswith(".template.json")]) == 7
    assert len([name for name in first if name.startswith("prod/asset.")]) >= 4
