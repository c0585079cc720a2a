"""A copy of the project as a git repository of its own, whose commits a test pushes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from retide.demo.workcopy import SHARED
from tests.architecture.tree import files
from tests.patience import SLACK

ROOT: Final = Path(__file__).resolve().parents[3]
MODELS: Final = Path(__file__).parent / "models"
NOBODY: Final = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.com",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.com",
}
COMMAND: Final = "from retide.cli import main; main()"
LIMIT_SECONDS: Final = 300 * SLACK


@dataclass(frozen=True)
class Repository:
    """`environment` is what `retide` is run with: it finds the local cloud by it."""

    root: Path
    environment: Mapping[str, str]

    @classmethod
    def copied_to(cls, root: Path, environment: Mapping[str, str]) -> Repository:
        """The project as it lies here with the tests' own model, committed; what set-up has made is linked."""
        for file in files(ROOT):
            target = root / file.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, target, follow_symlinks=False)
        shutil.copytree(MODELS, root / "training" / "models", dirs_exist_ok=True)
        for name in (*SHARED, ".tools", ".mypy_cache"):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).symlink_to((ROOT / name).resolve())
        repository = cls(root, environment)
        repository.git("init", "--quiet", "--initial-branch=main")
        repository.commit("The project as it is")
        return repository

    def edit(self, path: str, change: Callable[[str], str]) -> None:
        file = self.root / path
        before = file.read_text()
        after = change(before)
        assert after != before, f"the edit of {path} changed nothing"
        file.write_text(after)

    def commit(self, message: str) -> str:
        """Commit everything; the commit's name."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        return self.git("rev-parse", "HEAD").strip()

    def push(self) -> str:
        """What git says of the push, the host's own words among it."""
        return self.git("push", "retide", "HEAD:main")

    def git(self, *words: str) -> str:
        return self._run(["git", *words], os.environ | NOBODY)

    def retide(self, *words: str) -> str:
        """Run this copy's own `retide` as a person does; what it printed, fails with it."""
        return self._run([sys.executable, "-c", COMMAND, *words], {**self._clean, **self.environment, **NOBODY})

    @property
    def _clean(self) -> dict[str, str]:
        return {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "RETIDE_"))}

    def _run(self, command: list[str], environment: Mapping[str, str]) -> str:
        done = subprocess.run(
            command,
            cwd=self.root,
            env=environment,
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )
        said = done.stdout + done.stderr
        assert done.returncode == 0, f"{' '.join(command)}\n{said}"
        return said
