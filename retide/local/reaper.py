"""Waits for the server's end, however it comes, and then kills what the server has left behind."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def main(home: str) -> None:
    os.read(sys.stdin.fileno(), 1)  # nobody writes: this returns when the server is gone

    from retide.local.processes import sweep  # late: until then this process stays small

    sweep(Path(home))


if __name__ == "__main__":
    main(sys.argv[1])
