"""LOCAL_CUSTOM_CACHE: folders that outlive a build, linked into the next one, as AWS does on a build host."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from pathlib import Path

from retide.local.codebuild.errors import CLIENT_ERROR, PhaseFailed
from retide.local.folders import remove_tree


class Caches:
    """Below `folder`, by project. Only one build at a time has a project's folders: another one finds none, as on
    another build host.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._users: dict[str, str] = {}

    def link(
        self, project: str, build_id: str, paths: tuple[str, ...], source: Path, say: Callable[[str], object]
    ) -> None:
        """Link what can be kept. Raises PhaseFailed for a path that names a file."""
        with self._lock:
            free = self._users.setdefault(project, build_id) == build_id
        if not free:
            say("The local cache is in use by another build of this project: this one starts without it")
            return
        for path in paths:
            self._link(project, path, source, say)

    def release(self, project: str, build_id: str) -> None:
        with self._lock:
            if self._users.get(project) == build_id:
                del self._users[project]

    def forget(self, project: str) -> bool:
        """Remove what is kept for a project; False, and nothing is removed, while a build uses it."""
        with self._lock:
            if project in self._users:
                return False
            remove_tree(self._folder / project)
            return True

    def _link(self, project: str, path: str, source: Path, say: Callable[[str], object]) -> None:
        name = _directory(path)
        link = source / name
        if Path(name).is_absolute() or name.startswith("~"):
            say(f"Cache path {path} lies outside the source: it is this machine's, and stays anyway")
        elif not _is_below(link, source):
            raise PhaseFailed(CLIENT_ERROR, f"cache path {path} is not a folder within the source")
        elif link.is_file():
            raise PhaseFailed(CLIENT_ERROR, f"cache path {path} is a file: only directories can be cached locally")
        elif link.is_dir():
            say(f"Cache path {path} is part of the source, which overrides what is kept")
        else:
            place = kept(self._folder, project, path)
            place.mkdir(parents=True, exist_ok=True)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(place)
            say(f"Symlinking: {name} => {place}")


def kept(folder: Path, project: str, path: str) -> Path:
    """Where below `folder` a cache path of a project is kept: under its own name, as on AWS.

    Node finds no module's neighbours where the folder behind the link is not called node_modules.
    """
    name = _directory(path)
    return folder / project / hashlib.sha256(name.encode()).hexdigest()[:12] / Path(name).name


def _directory(path: str) -> str:
    """node_modules/**/* and node_modules/ both mean the folder node_modules."""
    name = path.strip()
    for tail in ("/**/*", "/**", "/*"):
        name = name.removesuffix(tail)
    return name.removeprefix("./").rstrip("/") or "/"


def _is_below(link: Path, source: Path) -> bool:
    resolved = link.parent.resolve() / link.name
    return ".." not in link.parts and resolved != source.resolve() and resolved.is_relative_to(source.resolve())
