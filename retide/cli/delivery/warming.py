"""Give the local builds what `make setup` has made here, so that the first of them need not fetch it all again."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from retide.local.codebuild.caches import kept

CUSTOM: Final = "LOCAL_CUSTOM_CACHE"
LINKED: Final = frozenset({".tools", ".venv", ".venv-jobs", "node_modules", "build/packages"})
"""Folders whose files are replaced and never written to in place: hard links are as good as copies."""
SETTINGS: Final = "pyvenv.cfg"


@dataclass(frozen=True, slots=True)
class Cached:
    """One folder that builds keep: `folder` is the checkout's own, `place` where the local cloud keeps theirs."""

    name: str
    folder: Path
    place: Path


def warm(checkout: Path, assembly: Path, home: Path) -> list[str]:
    """Fill the caches of the projects in the synthesised `assembly`, where they are empty; the names of the folders."""
    found = [one for one in _cached(checkout, assembly, home) if _useful(one)]
    for one in found:
        _give(one)
    return sorted({one.name for one in found})


def _cached(checkout: Path, assembly: Path, home: Path) -> Iterator[Cached]:
    for project, buildspec in _projects(assembly):
        file = checkout / buildspec
        read = yaml.safe_load(file.read_text(encoding="utf-8")) if file.is_file() else {}
        for path in read.get("cache", {}).get("paths", []):
            name = path.removesuffix("/**/*")
            yield Cached(name, checkout / name, kept(home / "codebuild" / "cache", project, path))


def _projects(assembly: Path) -> Iterator[tuple[str, str]]:
    """Name and buildspec of every project that keeps folders between its builds."""
    for template in sorted(assembly.glob("*.template.json")):
        for resource in json.loads(template.read_text(encoding="utf-8"))["Resources"].values():
            given = resource.get("Properties", {})
            if resource["Type"] == "AWS::CodeBuild::Project" and CUSTOM in given.get("Cache", {}).get("Modes", []):
                yield given["Name"], given["Source"]["BuildSpec"]


def _useful(one: Cached) -> bool:
    """An environment that knows the path where it was made would run this checkout's code in every build."""
    settings = one.folder / SETTINGS
    movable = not settings.is_file() or "relocatable = true" in settings.read_text(encoding="utf-8")
    return one.folder.is_dir() and movable and not (one.place.is_dir() and any(one.place.iterdir()))


def _give(one: Cached) -> None:
    """Whole or not at all: a build may begin at any moment."""
    part = one.place.with_name(f"{one.place.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.parent.mkdir(parents=True, exist_ok=True)
    copy = _link if one.name in LINKED else shutil.copy2
    shutil.copytree(one.folder.resolve(), part, symlinks=True, copy_function=copy)
    shutil.rmtree(one.place, ignore_errors=True)
    part.replace(one.place)


def _link(source: str, target: str) -> None:
    """A copy where another file system cannot be linked to."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)
