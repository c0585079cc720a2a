"""Measure what the function Validate carries: its size, what importing it costs, and that it judges with that alone.

    python -m benchmarks.judging.package [--repeats 5]

Zip and layer are those that are deployed, unpacked as Lambda unpacks them. boto3 and what it needs are Lambda's own:
they lie in a third folder here, and count neither in the size nor as something that the function carries.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path
from typing import Any, Final

from packaging.requirements import Requirement
from rich.console import Console

from infra.bundles import lay
from retide.demo.data import tumour_rows, write

ROOT: Final = Path(__file__).parents[2]
LAMBDA_LIMIT: Final = 250 * 2**20  # bytes of a function and its layers, unpacked
MODEL: Final = "tumour"


@dataclass(frozen=True, slots=True)
class Unpacked:
    """The folders of a function: `task` is its code, `layer` its libraries, `runtime` what Lambda has itself."""

    task: Path
    layer: Path
    runtime: Path

    @property
    def size(self) -> int:
        """Bytes that the function carries."""
        return sum(_size(folder) for folder in (self.task, self.layer))

    def strip_bytecode(self) -> None:
        for folder in (self.task, self.layer):
            for cache in list(folder.rglob("__pycache__")):
                shutil.rmtree(cache)

    def judge(self, file: Path, model: str) -> Any:
        """What `in_function` prints; raises RuntimeError with the last words of a process that failed."""
        program = Path(__file__).with_name("in_function.py")
        places = (str(self.task), str(self.layer), str(self.runtime))
        command = (sys.executable, "-I", "-S", "-B", str(program), *places, model, str(file))
        done = subprocess.run(command, cwd=self.task, env={}, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(done.stderr)
        return json.loads(done.stdout)


def unpack(root: Path, folder: Path) -> Unpacked:
    """Lay the bundles of the checkout at `root` and unpack those of functions that read data."""
    bundles = lay(root)
    unpacked = Unpacked(folder / "task", folder / "opt/python", folder / "runtime")
    for archive, target in ((bundles.functions, unpacked.task), (bundles.data_layer, folder / "opt")):
        with zipfile.ZipFile(archive) as opened:
            opened.extractall(target)
    unpacked.runtime.mkdir()
    for name in sorted(_needed("boto3")):
        for top in _tops(name):
            (unpacked.runtime / top.name).symlink_to(top)
    return unpacked


def _needed(name: str) -> set[str]:
    """A distribution and everything that it needs, without extras."""
    asked = [Requirement(line) for line in distribution(name).requires or ()]
    return {name}.union(*(_needed(one.name) for one in asked if not one.marker or one.marker.evaluate({"extra": ""})))


def _tops(name: str) -> Iterator[Path]:
    """The folders and modules of a distribution, as they are installed here."""
    found = distribution(name)
    tops = {file.parts[0] for file in found.files or () if file.suffix == ".py" and file.parts[0] != ".."}
    return (Path(str(found.locate_file(top))) for top in sorted(tops))


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5, help="how often to import; the median is reported")
    repeats = parser.parse_args().repeats
    with tempfile.TemporaryDirectory(prefix="retide-package-") as folder:
        unpacked = unpack(ROOT, Path(folder))
        file = write(Path(folder) / "rows.csv", tumour_rows())
        shares = f"code {_size(unpacked.task) / 2**20:.1f}, layer {_size(unpacked.layer) / 2**20:.1f}"
        console = Console(highlight=False)
        console.print(f"unpacked: {unpacked.size / 2**20:.1f} MiB ({shares}) of {LAMBDA_LIMIT / 2**20:.0f}")
        console.print(f"with bytecode: {_times(unpacked, file, repeats)}")
        unpacked.strip_bytecode()
        console.print(f"without:       {_times(unpacked, file, repeats)}")


def _times(unpacked: Unpacked, file: Path, repeats: int) -> str:
    answers = [unpacked.judge(file, MODEL) for _ in range(repeats)]
    imports, work = (statistics.median(answer[name] for answer in answers) for name in ("imports", "work"))
    return f"import {imports:.3f} s, {answers[0]['verdict']['rows']} rows judged in {work:.3f} s"


if __name__ == "__main__":
    main()
