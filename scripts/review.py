"""Say in Markdown what this checkout changes against a base: resources, permissions, cost, data and models.

    python -m scripts.review --base origin/main

Writes build/review.md (what a comment holds) and build/review-full.md. Exit code 1 where IAM becomes broader and nobody
said why, or a model is broken; 2 where the review could not be made.
"""

from __future__ import annotations

import argparse
import io
import json
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from infra.review.acknowledgements import AcknowledgementError, acknowledged
from infra.review.costs import Prices
from infra.review.report import Report, shortened
from infra.review.review import Side, reviews
from infra.review.templates import Assembly

ROOT: Final = Path(__file__).resolve().parent.parent
SHARED: Final = (".venv-jobs", "build/packages")  # what set-up made for head serves base, too
ALIKE: Final = ("staging", "prod")
# Runs in a process of its own for each side, with that side's own code: only names that both have are asked for.
SYNTHESIS: Final = """
import json, sys
from pathlib import Path
if not Path("infra/assemble.py").is_file():  # or another checkout's would be taken
    sys.exit("it has no infra/assemble.py: it is older than reviews, or none of this project")
from aws_cdk import App
from infra.app import FORESEEN, ROADS, add, refusal
from infra.assemble import flags
from infra.nag import EXAMPLE
from retide.contracts import catalogue

root, target = Path.cwd(), Path(sys.argv[1])
try:
    for stage in ("staging", "prod", *ROADS):
        given = {"stage": stage, "commit": "0" * 40, **(EXAMPLE if stage in ROADS else {})}
        app = App(outdir=str(target / stage), context={**flags(root), "aws:cdk:disable-asset-staging": True, **given})
        add(app, root, app.node.get_all_context())
        app.synth()
    contracts = {model: known["contract"] for model, known in catalogue(root).items()}
except FORESEEN as error:
    sys.exit(refusal(error))
(target / "models.json").write_text(json.dumps(contracts))
"""


class ReviewError(Exception):
    """The review cannot be made; the message is one line and says what to do."""


@dataclass(frozen=True, slots=True)
class Checkout:
    """A tree of files, and what messages call it."""

    name: str
    root: Path

    def synthesise(self, target: Path) -> Side:
        """Both stages and every road, by the checkout's own code; raises ReviewError."""
        target.mkdir()
        made = _run([sys.executable, "-c", SYNTHESIS, str(target)], self.root)
        if made.returncode != 0:
            last = (made.stderr.strip().splitlines() or ["without a word"])[-1]
            raise ReviewError(f"{self.name} cannot be synthesised: {last}")
        roads = sorted({folder.name for folder in target.iterdir() if folder.is_dir()} - set(ALIKE))
        folders = [target / name for name in (*ALIKE, *roads)]
        read = {one.name: Assembly.read(one, one.name if one.name in ALIKE else None) for one in folders}
        return Side(read, json.loads((target / "models.json").read_text(encoding="utf-8")))


def make(base: str, root: Path = ROOT) -> Report:
    """Hold the checkout against the commit where it left `base`; raises ReviewError or AcknowledgementError."""
    commit, name = base_of(base, root)
    with TemporaryDirectory(prefix="retide-review-") as folder:
        before = _export(commit, root, Path(folder) / "base")
        sides = [Checkout(f"the base {base}", before), Checkout("this checkout", root)]
        targets = [Path(folder) / "before", Path(folder) / "after"]
        with ThreadPoolExecutor() as pool:
            old, new = pool.map(Checkout.synthesise, sides, targets)
        prices = Prices.load()
        stages = reviews(old, new, prices)
        found = {one.id for stage in stages for one in stage.broadenings}
        acknowledgements = acknowledged(before, root, found)
        verdict, broken = _verdict(before, root)
        notes = tuple(_notes(before, root))
    return Report(name, stages, acknowledgements, verdict, broken, prices, notes)


def base_of(base: str, root: Path) -> tuple[str, str]:
    """The commit to compare with, and what the review calls it; raises ReviewError."""
    tip = _commit(base, root)
    commit = _parting(tip, base, root)
    if commit != tip:
        return commit, f"{base} as this checkout left it ({commit[:12]})"
    return commit, commit[:12] if commit.startswith(base) else f"{base} ({commit[:12]})"


def _commit(base: str, root: Path) -> str:
    found = _run(["git", "rev-parse", "--verify", "--quiet", "--end-of-options", f"{base}^{{commit}}"], root)
    if found.returncode != 0:
        raise ReviewError(
            f"git knows no commit {base!r}: fetch it, or name another with BASE=… (a branch, tag or commit)"
        )
    return found.stdout.strip()


def _parting(tip: str, base: str, root: Path) -> str:
    """Where the checkout left the base: what the base got since is no change of the checkout's."""
    found = _run(["git", "merge-base", tip, "HEAD"], root)
    if found.returncode != 0:
        raise ReviewError(
            f"{base!r} and this checkout have no commit in common: name another with BASE=…, "
            "or fetch the history if the clone is shallow (`git fetch --unshallow`)"
        )
    return found.stdout.strip()


def _export(commit: str, root: Path, target: Path) -> Path:
    """The files of a commit, beside what set-up made; git's own list of worktrees stays as it is."""
    packed = subprocess.run(["git", "archive", commit], cwd=root, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(target, filter="data")
    for name in SHARED:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (target / name).symlink_to(root / name)
    return target


def _verdict(base: Path, root: Path) -> tuple[str, bool]:
    """What the models' own command says, and whether one of them is broken."""
    judged = _run([sys.executable, "-m", "scripts.verdict", "--base", str(base)], root)
    if judged.returncode not in (0, 1) or not judged.stdout.strip():
        last = (judged.stderr.strip().splitlines() or ["without a word"])[-1]
        raise ReviewError(f"the models could not be judged: {last}")
    return judged.stdout.strip(), judged.returncode == 1


def _notes(base: Path, root: Path) -> list[str]:
    locks = sorted(path.name for path in (root / "requirements").glob("*.txt"))
    changed = [
        name for name in locks if _content(base / "requirements" / name) != _content(root / "requirements" / name)
    ]
    if not changed:
        return []
    named = ", ".join(f"`{name}`" for name in changed)
    return [f"Locks change ({named}). Both sides are shown with the packages of the new locks."]


def _content(file: Path) -> bytes | None:
    return file.read_bytes() if file.is_file() else None


def _run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.review", description=__doc__.partition("\n")[0])
    parser.add_argument("--base", required=True, help="the commit to compare with: a branch, a tag, a digest")
    parser.add_argument("--into", type=Path, default=ROOT / "build", help="the folder for the Markdown")
    chosen = parser.parse_args(arguments)
    try:
        report = make(chosen.base)
    except (ReviewError, AcknowledgementError) as error:
        print(f"review: {error}", file=sys.stderr)
        return 2
    return write(report, chosen.into)


def write(report: Report, folder: Path) -> int:
    """Lay the Markdown into a folder and say how it went: 1 where there is an objection."""
    told = report.markdown()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "review.md").write_text(shortened(told), encoding="utf-8")
    (folder / "review-full.md").write_text(told, encoding="utf-8")
    print(f"review: {folder / 'review.md'}")
    for objection in report.objections:
        print(f"review: {objection}", file=sys.stderr)
    return 1 if report.objections else 0


if __name__ == "__main__":
    sys.exit(main())
