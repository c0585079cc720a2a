"""Let Atheris find bytes on which the server of a model answers with a 5XX: `make fuzz ARGS="--seconds 600"`.

    python -m scripts.fuzz --uv uv [--seconds 60]

Atheris and what it has found lie in build/fuzzing: neither is locked or shipped, and its wheels are for Linux alone.
What was found once is where the next run begins. Ends with 1 where a request was answered with a 5XX, and says which.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
PLACE: Final = ROOT / "build/fuzzing"
ATHERIS: Final = "atheris==3.0.0"


def installed(uv: str) -> Path:
    """A folder that holds Atheris and nothing else."""
    site = PLACE / "site"
    if not (site / "atheris").exists():
        command = [
            uv,
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--target",
            str(site),
            "--python",
            sys.executable,
            ATHERIS,
        ]
        subprocess.run(command, check=True)
    return site


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--uv", default=shutil.which("uv") or "uv", help="brings Atheris")
    parser.add_argument("--seconds", type=int, default=60)
    given = parser.parse_args()
    corpus = PLACE / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    words = [f"-max_total_time={given.seconds}", "-max_len=4096", "-timeout=20", "-print_final_stats=1"]
    command = [sys.executable, "-m", "scripts.fuzzing", *words, f"-artifact_prefix={PLACE}/", str(corpus)]
    environment = {**os.environ, "PYTHONPATH": f"{installed(given.uv)}{os.pathsep}{ROOT}"}
    return min(1, subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode)


if __name__ == "__main__":
    sys.exit(main())
