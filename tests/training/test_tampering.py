"""A server that came with altered files serves nothing, and runs nothing of them but itself."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retide.domain import artefact, package
from tests.hostile_archives import MEMBERS, OLDER, PICKLE
from tests.patience import SLACK
from tests.training.container import ROOT
from training.server import integrity, manifest

EVIL: Final = b"import pathlib, os\npathlib.Path(os.environ['MARK']).touch()\n"
CHANGES: Final = {
    "another model": {"model/model.onnx": b"another"},
    "another model and its manifest": {"model/model.onnx": b"another", "model/manifest.json": b"{}"},
    "an older model": {"model/model.onnx": OLDER["model/model.onnx"]},
    "a pickle as the model": {"model/model.onnx": PICKLE},
    "a pickle beside it": {"model/model.pkl": PICKLE},
    "another runtime": {"code/onnxruntime/__init__.py": EVIL},
    "a module that hides another": {"code/numpy.py": EVIL},
    "another part of the server": {"code/server/application.py": EVIL},
    "an absolute name, unpacked": {"tmp/evil.py": EVIL},
    "too many files": {f"code/{number}": b"" for number in range(integrity.FILES)},
}


def unpacked(folder: Path) -> Path:
    """What SageMaker lays for a server: the honest members, and this server itself."""
    for name, data in MEMBERS.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    shutil.copytree(
        ROOT / "training/server", folder / "code/server", dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.pyc")
    )
    return folder


def start(folder: Path, mark: Path, expected: str | None) -> str:
    """Import the server as gunicorn does; what it says as it ends."""
    variables = {"PATH": os.environ["PATH"], "PYTHONPATH": str(folder / "code"), "PYTHONDONTWRITEBYTECODE": "1"}
    told = {integrity.VARIABLE: expected} if expected else {}
    done = subprocess.run(
        [sys.executable, "-c", "import server.wsgi"],
        env={**variables, **told, "MARK": str(mark)},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60 * SLACK,
        check=False,
    )
    assert done.returncode != 0
    return done.stderr.strip().splitlines()[-1]


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_was_altered_is_neither_served_nor_run(change: str, tmp_path: Path) -> None:
    folder, mark = unpacked(tmp_path / "model"), tmp_path / "mark"
    registered = integrity.digest(folder)
    for name, data in CHANGES[change].items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    said = start(folder, mark, registered)
    assert said.startswith("server.integrity.Tampered:"), said
    assert not mark.exists()


def test_a_member_less_and_a_link_are_refused(tmp_path: Path) -> None:
    folder = unpacked(tmp_path / "model")
    registered = integrity.digest(folder)
    (folder / "code/onnxruntime/__init__.py").unlink()
    assert "it was altered" in start(folder, tmp_path / "mark", registered)
    (folder / "code/onnxruntime/__init__.py").symlink_to("/dev/null")
    assert "neither a file nor a folder" in start(folder, tmp_path / "mark", registered)


def test_a_server_that_nobody_told_what_to_serve_serves_nothing(tmp_path: Path) -> None:
    assert "RETIDE_MODEL_DIGEST is not set" in start(unpacked(tmp_path / "model"), tmp_path / "mark", None)


def test_the_honest_model_is_loaded_next(tmp_path: Path) -> None:
    """The runtime of the honest members is an empty package: to come as far as using it is to have passed."""
    folder = unpacked(tmp_path / "model")
    assert "Tampered" not in start(folder, tmp_path / "mark", integrity.digest(folder))


@pytest.mark.parametrize("name", MEMBERS)
def test_a_flipped_bit_in_any_byte_of_a_member_is_another_digest(name: str, tmp_path: Path) -> None:
    folder = unpacked(tmp_path / "model")
    registered, data = integrity.digest(folder), (folder / name).read_bytes()
    for position in range(0, len(data), 1 + len(data) // 100):
        (folder / name).write_bytes(data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :])
        assert integrity.digest(folder) != registered


NAMES: Final = st.sampled_from(["model/model.onnx", "model/manifest.json", "code/a.py", "code/b/c.py", "code/é.py"])


@settings(max_examples=30)
@given(members=st.dictionaries(NAMES, st.binary(max_size=40)))
def test_the_server_computes_what_the_registry_holds(
    members: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("model")
    for name, data in members.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    listed = [artefact.Member(name, integrity._sha256(folder / name), 0) for name in members]
    assert integrity.digest(folder) == artefact.digest_of(listed)


def test_both_sides_name_the_same_variable_and_files() -> None:
    assert package.MODEL_DIGEST == integrity.VARIABLE
    assert {f"model/{manifest.ONNX_FILE}", f"model/{manifest.MANIFEST_FILE}"} == artefact.MODEL_FILES
    assert (integrity.FILES, integrity.BYTES) == (artefact.MEMBERS, artefact.UNPACKED_BYTES)
