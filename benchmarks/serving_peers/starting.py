"""How long our server takes to start, and what it adds to an archive."""

from __future__ import annotations

import os
import subprocess
import tarfile
import tempfile
import time
from pathlib import Path
from typing import Final

from training.server import integrity

ARCHIVE: Final = Path(__file__).parents[2] / "build/packages/libs/runtime"
IMPORT: Final = (
    "import resource, server.wsgi; u = resource.getrusage(resource.RUSAGE_SELF); print(u.ru_utime + u.ru_stime)"
)


def registered(folder: Path) -> dict[str, str]:
    """What a deployment tells the server about the files that it must have."""
    return {integrity.VARIABLE: integrity.digest(folder)}


def started_in(python: Path, folder: Path) -> dict[str, float]:
    """Seconds from nothing to a loaded model, of the clock and of the CPU; `serve` adds the start of gunicorn."""
    environment = {**os.environ, "PYTHONPATH": str(folder / "code"), "OPENBLAS_NUM_THREADS": "1", **registered(folder)}
    began = time.perf_counter()
    done = subprocess.run([str(python), "-c", IMPORT], env=environment, check=True, capture_output=True, text=True)
    return {"start and import": time.perf_counter() - began, "of it CPU": float(done.stdout)}


def weight(folder: Path) -> tuple[int, int]:
    """Bytes of what every archive carries, packed as SageMaker packs it and unpacked."""
    files = [file for file in folder.rglob("*") if file.is_file()]
    with tempfile.TemporaryFile() as target:
        with tarfile.open(fileobj=target, mode="w:gz", compresslevel=6) as archive:
            archive.add(folder, "code")
        packed = target.tell()
    return packed, sum(file.stat().st_size for file in files)
