"""Deletes the folders in which jobs and builds have run."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path


def remove_tree(root: Path) -> None:
    """Delete a folder and everything in it, also what was made read-only; links are not followed."""
    for folder, _, _ in os.walk(root):
        Path(folder).chmod(stat.S_IRWXU)
    shutil.rmtree(root, ignore_errors=True)
