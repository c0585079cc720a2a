"""Draw a chart by Matplotlib in an environment of its own in build/charts, which is neither locked nor shipped."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
HOME: Final = ROOT / "build/charts/venv"
LIBRARY: Final = "matplotlib==3.11.2"
TARGET: Final = ROOT / "docs/images/gate.svg"


def draw(uv: str, curves: Path) -> Path:
    """The chart of these curves, as a file of the documentation."""
    python = HOME / "bin/python"
    if not python.exists():
        subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, HOME], check=True)
        subprocess.run([uv, "pip", "install", "--quiet", "--python", HOME, LIBRARY], check=True)
    script = Path(__file__).with_name("gate_curve.py")
    subprocess.run([python, script, curves, TARGET], check=True)
    return TARGET
