"""Change the gate's rules in every small way that mutmut knows, and ask whether its tests notice.

    python -m scripts.mutate --uv uv

Both the environment and the copy of what is mutated lie in build/mutation: neither is locked or shipped. Shows what
survives, and ends with 1 then.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
PLACE: Final = ROOT / "build/mutation"
MUTMUT: Final = "mutmut==3.8.1"
MUTATED: Final = ("retide/domain/gate.py", "retide/domain/case.py")
TESTS: Final = ("gate_cases.py", "test_gate.py", "test_gate_properties.py")
LOCKED: Final = ("pytest", "hypothesis")
SETTINGS: Final = f"""\
[mutmut]
source_paths=retide
only_mutate=
    {MUTATED[0]}
    {MUTATED[1]}
pytest_add_cli_args_test_selection=tests/unit/domain
also_copy=
    tests
    retide
[tool:pytest]
addopts = -p no:cacheprovider
"""


def environment(uv: str) -> Path:
    """The mutator beside the very pytest and hypothesis of the lock."""
    lock = (ROOT / "requirements/development.txt").read_text(encoding="utf-8")
    pinned = [f"{name}=={re.search(rf'^{name}==([^ ;\\]+)', lock, re.MULTILINE)[1]}" for name in LOCKED]  # type: ignore[index]
    home = PLACE / "venv"
    if not (home / "bin/mutmut").exists():
        subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, home], check=True)
        subprocess.run([uv, "pip", "install", "--quiet", "--python", home, MUTMUT, *pinned], check=True)
    return home


def lay(work: Path) -> None:
    """The domain and the gate's tests, and nothing that either does not need."""
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(ROOT / "retide/domain", work / "retide/domain", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy2(ROOT / "retide/__init__.py", work / "retide/__init__.py")
    for name in TESTS:
        target = work / "tests/unit/domain" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / "tests/unit/domain" / name, target)
    (work / "setup.cfg").write_text(SETTINGS, encoding="utf-8")


def results(work: Path, home: Path) -> Iterator[tuple[str, str]]:
    """Each mutant and what became of it."""
    told = subprocess.run(
        [home / "bin/mutmut", "results", "--all", "true"], cwd=work, check=True, capture_output=True, text=True
    )
    yield from re.findall(r"^\s*(\S+): (.+)$", told.stdout, re.MULTILINE)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--uv", default=shutil.which("uv") or "uv", help="makes the environment")
    parser.add_argument("--workers", default="2")
    given = parser.parse_args()
    home, work = environment(given.uv), PLACE / "work"
    lay(work)
    with (PLACE / "mutmut.log").open("w", encoding="utf-8") as log:
        subprocess.run(
            [home / "bin/mutmut", "run", "--max-children", given.workers], cwd=work, check=False, stdout=log, stderr=log
        )
    found = dict(results(work, home))
    alive = [name for name, became in found.items() if became != "killed"]
    print(", ".join(f"{count} {became}" for became, count in Counter(found.values()).items()) or "no mutants")
    for name in alive:
        subprocess.run([home / "bin/mutmut", "show", name], cwd=work, check=False)
    return 1 if alive or not found else 0


if __name__ == "__main__":
    sys.exit(main())
