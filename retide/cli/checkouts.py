"""Find the code that a model was made by: this checkout where it is the same, else its commit in a worktree."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from retide.cli.failures import CliError
from retide.contracts import MODELS, code_digest, libs_digest, load
from retide.domain.certificate import Code

LAY: Final = """
from pathlib import Path
from infra.bundles import lay
made = lay(Path.cwd())
print(made.training)
print(made.libs)
"""
PACKAGES: Final = Path("build/packages")


@dataclass(frozen=True, slots=True)
class Bundle:
    """The zips that a job runs, and the checkout that they were made from, in words."""

    code: Path
    libs: Path
    place: str


@contextmanager
def bundle(root: Path, model: str, code: Code) -> Iterator[Bundle]:
    """The bundle of exactly this code, contract and packages; raises CliError that says what to do where none is."""
    if differs(root, model, code) == "":
        yield lay(root, "this checkout")
        return
    if code.commit in ("", "unknown"):
        raise CliError(
            f"{differs(root, model, code)}, and the certificate names no commit: it was deployed from outside of git. "
            f"Check out what was deployed, then call it there"
        )
    with TemporaryDirectory(prefix="retide-worktree-") as scratch:
        tree = Path(scratch) / "checkout"
        _git(root, "worktree", "add", "--detach", str(tree), code.commit)
        try:
            if reason := differs(tree, model, code):
                raise CliError(
                    f"{reason}, even at commit {code.commit[:12]}: it was deployed from a checkout with changes that "
                    "were not committed. Check out what was deployed, then call it there"
                )
            (tree / "build").mkdir(exist_ok=True)
            (tree / PACKAGES).symlink_to((root / PACKAGES).resolve())
            yield lay(tree, f"commit {code.commit[:12]}")
        finally:
            _git(root, "worktree", "remove", "--force", str(tree))


def differs(root: Path, model: str, code: Code) -> str:
    """What of a checkout is not what the model was made of; empty where all is."""
    folder = root / MODELS / model
    if not folder.is_dir():
        return f"there is no model {model} here"
    found = {
        "code": (code_digest(root, model), code.digest),
        "contract": (load(folder).digest, code.contract_digest),
        "packages": (libs_digest(root), code.libs_digest),
    }
    names = [name for name, (here, there) in found.items() if here != there]
    return f"the {' and '.join(names)} of {model} here are others than it was made of" if names else ""


def lay(root: Path, place: str) -> Bundle:
    """As a deployment from there would lay them."""
    done = subprocess.run([sys.executable, "-c", LAY], cwd=root, capture_output=True, text=True, check=False)
    if done.returncode:
        last = done.stderr.strip().rpartition("\n")[2]
        raise CliError(f"the bundles of {place} cannot be laid ({last}): run `make setup` there")
    code, libs = done.stdout.split()
    return Bundle(Path(code), Path(libs), place)


def _git(root: Path, *words: str) -> None:
    done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CliError(
            f"`git {' '.join(words[:2])}` failed ({done.stderr.strip()}): fetch the commit that the model was made of, "
            "then call this again"
        )
