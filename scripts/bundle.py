"""Lay the compiled packages that Lambdas and jobs carry into build/, for their platform, pruned and byte-stable."""

import argparse
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from infra.bytecode import cached, compiled

ROOT: Final = Path(__file__).resolve().parent.parent
PLATFORM: Final = "x86_64-manylinux_2_28"  # Lambda's python3.12 and the SageMaker image both have glibc 2.28 or later
# What no import at run time reads. Licences in *.dist-info stay: what is shipped is shipped with its licence.
NEEDLESS: Final = (
    "bin",
    "**/__pycache__",
    "**/test",
    "**/tests",
    "**/*.cc",
    "**/*.h",
    "**/*.proto",
    "**/*.pyi",
    "onnxruntime/capi/libonnxruntime.so.*",  # the C interface once more: the Python extension holds it already
    "onnxruntime/datasets",
    "onnxruntime/quantization",
    "onnxruntime/tools",
    "onnxruntime/transformers",
)
# Files that name the machine or the moment of the installation.
VOLATILE: Final = (
    ".lock",
    "*.dist-info/INSTALLER",
    "*.dist-info/RECORD",
    "*.dist-info/REQUESTED",
    "*.dist-info/direct_url.json",
    "*.dist-info/uv_cache.json",
)


@dataclass(frozen=True, slots=True)
class Bundle:
    """One lock and the folder that it is laid into."""

    lock: Path
    folder: Path


BUNDLES: Final = (
    Bundle(ROOT / "requirements/lambda-data.txt", ROOT / "build/packages/data/python"),
    Bundle(ROOT / "requirements/job-boosting.txt", ROOT / "build/packages/libs/boosting"),
    Bundle(ROOT / "requirements/job-convert.txt", ROOT / "build/packages/libs/convert"),
    Bundle(ROOT / "requirements/job-runtime.txt", ROOT / "build/packages/libs/runtime"),
)


def install(bundle: Bundle, target: Path, *, uv: str, python_version: str) -> None:
    """Install exactly what the lock names, whatever this machine's platform is."""
    options = ["--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:", "--link-mode", "copy"]
    platform = ["--python", sys.executable, "--python-platform", PLATFORM, "--python-version", python_version]
    command = [uv, "pip", "install", *options, *platform, "--target", str(target), "-r", str(bundle.lock)]
    subprocess.run(command, check=True, cwd=ROOT)


def prune(folder: Path) -> None:
    """Remove what is never imported and what differs from one installation to the next."""
    for pattern in (*NEEDLESS, *VOLATILE):
        for path in sorted(folder.glob(pattern)):
            remove(path)


def remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def compile_ahead(folder: Path) -> None:
    """Ship bytecode too: where the code lies read-only or is unpacked afresh, each start would compile it again."""
    for source in sorted(folder.rglob("*.py")):
        name = source.relative_to(folder).as_posix()
        try:
            bytecode = compiled(name, source.read_bytes())
        except (SyntaxError, ValueError):
            continue  # a template or a file for another version, which nobody imports
        target = folder / cached(name)
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(bytecode)


def lay(bundle: Bundle, *, uv: str, python_version: str) -> None:
    """Build beside the folder and swap at the end, so that a half-made bundle is never mistaken for a whole one."""
    fresh = bundle.folder.with_name(bundle.folder.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    install(bundle, fresh, uv=uv, python_version=python_version)
    prune(fresh)
    compile_ahead(fresh)
    shutil.rmtree(bundle.folder, ignore_errors=True)
    fresh.rename(bundle.folder)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--uv", required=True, help="the uv to install with")
    parser.add_argument("--python-version", required=True, help="the Python of Lambda and of the image")
    options = parser.parse_args()
    for bundle in BUNDLES:
        try:
            lay(bundle, uv=options.uv, python_version=options.python_version)
        except subprocess.CalledProcessError as failure:
            print(f"bundle: {bundle.lock.relative_to(ROOT)} could not be installed (see above)", file=sys.stderr)
            return failure.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
