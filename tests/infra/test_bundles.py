"""The zips that functions and jobs run: complete, lean and the same byte for byte."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from infra.bundles import BundleMissing, lay
from tests.infra.conftest import ROOT


def _names(bundle: Path) -> set[str]:
    with zipfile.ZipFile(bundle) as archive:
        return set(archive.namelist())


def test_code_is_the_same_bytes_wherever_and_whenever_it_was_checked_out(checkout: Path) -> None:
    first = {name: path.read_bytes() for name, path in _code(checkout).items()}
    for file in checkout.rglob("*.py"):
        os.utime(file, (1, 1))
    assert {name: path.read_bytes() for name, path in _code(checkout).items()} == first


def _code(root: Path) -> dict[str, Path]:
    bundles = lay(root)
    return {"functions": bundles.functions, "training": bundles.training}


def test_functions_carry_every_handler_and_nothing_of_a_laptop(checkout: Path) -> None:
    names = _names(lay(checkout).functions)
    handlers = {f"functions/{handler.parent.name}/handler.py" for handler in (ROOT / "functions").glob("*/handler.py")}
    assert handlers <= names
    assert {"catalogue.json", "retide/__init__.py", "retide/ports/__init__.py", "retide/domain/gate.py"} <= names
    assert not [name for name in names if name.startswith(("retide/cli", "retide/local", "retide/demo", "training"))]


def test_functions_carry_bytecode_that_python_takes_without_a_look_at_the_source(
    checkout: Path, tmp_path: Path
) -> None:
    with zipfile.ZipFile(lay(checkout).functions) as archive:
        archive.extractall(tmp_path / "task")
    sources = list((tmp_path / "task").rglob("*.py"))
    for source in sources:
        source.write_text("raise SystemExit('compiled again')\n")
    code = "import functions.announce_code.handler as h; print(h.__cached__, h.handler.__code__.co_filename)"
    task = tmp_path / "task"
    ran = subprocess.run([sys.executable, "-c", code], cwd=task, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    cached, filename = ran.stdout.split()
    assert cached.endswith("functions/announce_code/__pycache__/handler.cpython-312.pyc")
    assert filename.endswith("retide/aws/custom_resource.py"), "a traceback names the file that was read"
    assert len(list((tmp_path / "task").rglob("*.pyc"))) == len(sources)


@pytest.mark.parametrize("seed", ["0", "1"])
def test_bytecode_is_the_same_in_every_process(checkout: Path, seed: str) -> None:
    code = "import sys; from pathlib import Path; from infra.bundles import lay; lay(Path(sys.argv[1]))"
    here = lay(checkout).functions.read_bytes()
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    subprocess.run([sys.executable, "-c", code, str(checkout)], cwd=ROOT, env=environment, check=True)
    assert (checkout / "build/assets/functions.zip").read_bytes() == here


def test_a_file_that_cannot_be_compiled_is_named(checkout: Path) -> None:
    (checkout / "functions/gate/handler.py").write_text("def handler(\n")
    with pytest.raises(SyntaxError) as broken:
        lay(checkout)
    assert broken.value.filename == "functions/gate/handler.py"


def test_jobs_carry_their_code_and_each_model_as_contract_and_code(checkout: Path) -> None:
    names = _names(lay(checkout).training)
    assert {"__main__.py", "training/launcher.py", "retide/domain/contract.py"} <= names
    assert {"models/tumour/contract.json", "models/diabetes/contract.json", "models/tumour/model.py"} <= names
    assert not [name for name in names if name.startswith("training/models/")]


def test_jobs_and_functions_know_each_model_s_code_by_the_same_digest(checkout: Path) -> None:
    laid = lay(checkout)
    with zipfile.ZipFile(laid.training) as jobs, zipfile.ZipFile(laid.functions) as functions:
        known = json.loads(functions.read("catalogue.json"))
        carried = {model: jobs.read(f"models/{model}/code_digest.txt").decode() for model in known}
    assert carried == {model: entry["code_digest"] for model, entry in known.items()}


def test_a_contract_reaches_jobs_in_the_order_of_its_columns(checkout: Path) -> None:
    with zipfile.ZipFile(lay(checkout).training) as archive:
        contract = json.loads(archive.read("models/tumour/contract.json"))
    with zipfile.ZipFile(lay(checkout).functions) as archive:
        catalogue = json.loads(archive.read("catalogue.json"))
    assert list(contract["columns"]) == list(catalogue["tumour"]["contract"]["columns"])
    assert list(contract["columns"]) != sorted(contract["columns"]), "a sorted contract would not show it"


def test_compiled_packages_are_zipped_again_only_when_they_changed(checkout: Path) -> None:
    (checkout / "build/packages").unlink()
    for bundle in ("data", "libs"):
        (checkout / "build/packages" / bundle / "convert").mkdir(parents=True)
        (checkout / "build/packages" / bundle / "convert/code.py").write_text("1\n")
    first = lay(checkout).libs
    again = lay(checkout).libs
    assert first == again
    made = first.stat().st_mtime_ns
    assert again.stat().st_mtime_ns == made
    (checkout / "build/packages/libs/convert/more.py").write_text("2\n")
    changed = lay(checkout).libs
    assert _names(changed) == {"convert/code.py", "convert/more.py"}
    assert not first.exists()


def test_missing_packages_say_what_to_run(checkout: Path) -> None:
    (checkout / "build/packages").unlink()
    with pytest.raises(BundleMissing, match="make setup"):
        lay(checkout)
