"""Bills of materials: everything that a lock holds, in a document that is the same from every clone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from scripts.sbom import main, of_node, of_python, written
from tests.architecture.tree import ROOT, locked

LOCK = "alpha-beta==1.0 \\\n    --hash=sha256:aa\ngamma.delta==3.0 ; sys_platform == 'win32' \\\n    --hash=sha256:bb\n"


def document(text: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(text)
    return read


def test_a_package_has_its_name_version_address_and_marker(tmp_path: Path) -> None:
    (tmp_path / "jobs.txt").write_text(LOCK)
    made = document(written(of_python(tmp_path / "jobs.txt")))
    assert (made["bomFormat"], made["specVersion"]) == ("CycloneDX", "1.6")
    assert [component["purl"] for component in made["components"]] == [
        "pkg:pypi/alpha-beta@1.0",
        "pkg:pypi/gamma-delta@3.0",
    ]
    assert made["components"][1]["properties"] == [{"name": "retide:marker", "value": "sys_platform == 'win32'"}]
    assert "timestamp" not in made["metadata"]


def test_a_node_package_is_bound_by_its_hash(tmp_path: Path) -> None:
    entry = {"version": "1.2.3", "integrity": "sha512-" + "A" * 86 + "=="}
    lock = {"packages": {"": {}, "node_modules/@scope/tool": entry}}
    (tmp_path / "package-lock.json").write_text(json.dumps(lock))
    (component,) = document(written(of_node(tmp_path / "package-lock.json")))["components"]
    assert component["purl"] == "pkg:npm/%40scope/tool@1.2.3"
    assert component["hashes"] == [{"alg": "SHA-512", "content": "00" * 64}]


def test_a_node_package_without_a_strong_hash_is_refused_by_name(tmp_path: Path) -> None:
    lock = {"packages": {"node_modules/tool": {"version": "1", "integrity": "sha1-AAAA"}}}
    (tmp_path / "package-lock.json").write_text(json.dumps(lock))
    with pytest.raises(ValueError, match="node_modules/tool is bound by sha1"):
        of_node(tmp_path / "package-lock.json")


def test_every_lock_has_its_document_with_everything_in_it_and_twice_the_same_bytes(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "elsewhere/second"
    copy = tmp_path / "copy"
    shutil.copytree(ROOT / "requirements", copy / "requirements")
    shutil.copy(ROOT / "package-lock.json", copy)
    assert (main(ROOT, first), main(copy, second)) == (0, 0)
    written_there = {file.name: file.read_bytes() for file in second.iterdir()}
    assert {file.name: file.read_bytes() for file in first.iterdir()} == written_there
    for lock in (ROOT / "requirements").glob("*.txt"):
        made = document((first / f"{lock.stem}.cdx.json").read_text())
        assert {component["name"] for component in made["components"]} == set(locked(lock))
