"""A working copy of the project that may be edited and deployed without touching the user's own files."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

SOURCES: Final = ("cdk.json", "functions", "infra", "requirements", "retide", "training")
SHARED: Final = (".venv", ".venv-jobs", "node_modules", "build/packages")
IGNORED: Final = shutil.ignore_patterns("__pycache__", "*.pyc")


def copy_project(root: Path, target: Path) -> None:
    """Make `target` a fresh copy of the project at `root`; what `make setup` built is linked, not copied."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for name in SOURCES:
        source = root / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=IGNORED)
        else:
            shutil.copy2(source, target / name)
    for name in SHARED:
        link = target / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to((root / name).resolve())
