"""Lay what functions and jobs carry into zips that are the same byte for byte whenever the files are."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from infra.bytecode import with_bytecode
from infra.settings import LEVEL, Level
from retide.contracts import MODELS, catalogue

EPOCH: Final = (1980, 1, 1, 0, 0, 0)
FAST: Final = 1  # deflate level: compiled libraries hardly shrink further, and every job waits for them
LAPTOP_ONLY: Final = ("retide/cli/", "retide/contracts/", "retide/demo/", "retide/lint/", "retide/local/")
CODE_DIGEST: Final = "code_digest.txt"
# The launcher needs the Python of its own image; `boost` runs in another one, with an older Python.
START_JOB: Final = """import sys

if sys.argv[1:] == ["boost"]:
    from training.boost import main
else:
    from training.launcher import main

raise SystemExit(main())
"""


class BundleMissing(FileNotFoundError):
    """What `make setup` lays is not there; the message is one line and says so."""


@dataclass(frozen=True, slots=True)
class Bundles:
    """The zips of one checkout: `functions` and `training` are code, `data_layer` and `libs` compiled packages."""

    functions: Path
    training: Path
    data_layer: Path
    libs: Path


def lay(root: Path, level: Level = LEVEL) -> Bundles:
    """Write every bundle of the checkout at `root`; raises BundleMissing or ContractError."""
    assets = root / "build/assets"
    assets.mkdir(parents=True, exist_ok=True)
    models = catalogue(root)
    return Bundles(
        functions=_code_zip(assets / "functions.zip", functions_files(root, _at(level, models))),
        training=_code_zip(assets / "training.zip", training_files(root, models)),
        data_layer=_packages_zip(root / "build/packages/data"),
        libs=libraries(root),
    )


def _at(level: Level, models: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Mapping[str, Any]]:
    """The models as functions shall know them: at level 0 a person approves, whatever a contract says."""
    if level >= Level.CONTINUOUS_TRAINING:
        return models
    return {
        model: {
            **known,
            "contract": {**known["contract"], "policy": {**known["contract"]["policy"], "approval": "manual"}},
        }
        for model, known in models.items()
    }


def functions_files(root: Path, models: Mapping[str, object]) -> dict[str, bytes]:
    """One asset for all functions: handlers, steps, rules and adapters, compiled; and what is known of the models."""
    files = {name: data for name, data in _sources(root, "functions", "retide") if not name.startswith(LAPTOP_ONLY)}
    return with_bytecode(files) | {"catalogue.json": _json(models)}


def training_files(root: Path, models: Mapping[str, Mapping[str, object]]) -> dict[str, bytes]:
    """What `python <asset>.zip <job>` runs: the jobs, the rules, and each model as contract, code and digest."""
    files = {
        name: data
        for name, data in _sources(root, "training", "retide/data", "retide/domain")
        if not name.startswith(f"{MODELS}/")
    }
    files["retide/__init__.py"] = (root / "retide/__init__.py").read_bytes()
    files["__main__.py"] = START_JOB.encode()
    for model, known in models.items():
        files |= dict(_model_files(root / MODELS / model, f"models/{model}"))
        files[f"models/{model}/contract.json"] = _json(known["contract"])
        files[f"models/{model}/{CODE_DIGEST}"] = str(known["code_digest"]).encode()
    return files


def _model_files(folder: Path, name: str) -> Iterator[tuple[str, bytes]]:
    for file in _files(folder, "*.py"):
        yield f"{name}/{file.relative_to(folder).as_posix()}", file.read_bytes()


def _sources(root: Path, *folders: str) -> Iterator[tuple[str, bytes]]:
    for folder in folders:
        for file in _files(root / folder, "*.py"):
            yield file.relative_to(root).as_posix(), file.read_bytes()


def _files(folder: Path, pattern: str) -> Iterator[Path]:
    return (file for file in sorted(folder.rglob(pattern)) if file.is_file() and "__pycache__" not in file.parts)


def _json(value: object) -> bytes:
    """In the order given: that of a contract's columns is the order of a model's features."""
    return json.dumps(value, indent=1).encode()


def _code_zip(target: Path, files: Mapping[str, bytes]) -> Path:
    with _Replacing(target) as archive:
        for name, data in sorted(files.items()):
            archive.writestr(_entry(name), data)
    return target


def libraries(root: Path) -> Path:
    """The zip of the libraries that jobs carry; raises BundleMissing."""
    return _packages_zip(root / "build/packages/libs")


def _packages_zip(folder: Path) -> Path:
    """Zip a folder of compiled packages beside it, unless that was done since the folder changed last."""
    folder = folder.resolve()
    if not folder.is_dir():
        raise BundleMissing(f"{folder} is missing: run `make setup`, which lays the compiled packages")
    files = [file for file in sorted(folder.rglob("*")) if file.is_file()]
    target = folder.with_name(f"{folder.name}-{_stamp(folder, files)}.zip")
    if not target.exists():
        for old in folder.parent.glob(f"{folder.name}-*.zip"):
            old.unlink()
        with _Replacing(target) as archive:
            for file in files:
                archive.writestr(_entry(file.relative_to(folder).as_posix()), file.read_bytes(), compresslevel=FAST)
    return target


def _stamp(folder: Path, files: list[Path]) -> str:
    """Sizes and times, not bytes: it only says whether the zip must be made again, never what it is."""
    digest = hashlib.sha256()
    for file in files:
        seen = file.stat()
        digest.update(f"{file.relative_to(folder)}\0{seen.st_size}\0{seen.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, EPOCH)
    entry.create_system = 3
    entry.external_attr = 0o644 << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


class _Replacing:
    """A zip that takes its place only when it is whole, so that two synths at once never see half of one."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._part = target.with_name(f"{target.name}.{os.getpid()}.part")

    def __enter__(self) -> zipfile.ZipFile:
        self._archive = zipfile.ZipFile(self._part, "w")
        return self._archive

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        self._archive.close()
        if error is None:
            self._part.replace(self._target)
        else:
            self._part.unlink()
