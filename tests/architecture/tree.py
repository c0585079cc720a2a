"""The files of this repository, as the rules about the code see them."""

import ast
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from packaging.utils import canonicalize_name

ROOT: Final = Path(__file__).resolve().parents[2]
PRODUCT: Final = ("retide", "functions", "infra", "training", "scripts", "benchmarks")
MADE: Final = frozenset({"build", "node_modules", "cdk.out", "__pycache__"})
KEPT_HIDDEN: Final = frozenset({".ci", ".github"})


def belongs(folder: str) -> bool:
    """Whether a folder is part of the repository, rather than made by set-up, a test or an editor."""
    return folder in KEPT_HIDDEN or not (folder in MADE or folder.startswith(".") or folder.endswith(".egg-info"))


def files(start: Path = ROOT) -> Iterator[Path]:
    for folder, subfolders, names in os.walk(start):
        subfolders[:] = sorted(filter(belongs, subfolders))
        yield from (Path(folder, name) for name in sorted(names) if name != ".git")  # what a worktree has for a folder


def texts() -> Iterator[tuple[Path, str]]:
    """Every file that is text, with its content."""
    for path in files():
        content = path.read_bytes()
        if b"\0" not in content:
            yield path, content.decode("utf-8")


def modules(*packages: str) -> list[Path]:
    return [path for package in packages for path in files(ROOT / package) if path.suffix == ".py"]


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


def locked(lock: Path) -> dict[str, str]:
    """The versions that a lock names, by package."""
    pins = re.findall(r"^([\w.-]+)==([^ ;\\]+)", lock.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {canonicalize_name(package): version for package, version in pins}
