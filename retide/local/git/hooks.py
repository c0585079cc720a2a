"""Gives a repository the hook that tells the cloud of every push; it needs nothing but a Python interpreter."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path
from typing import Final

SCRIPT: Final = "post-receive.py"
HOOK: Final = """#!/bin/sh
for python in {interpreter} python3; do
    command -v "$python" >/dev/null && exec "$python" -I "${{0%/*}}/{script}"
done
echo "nothing starts: there is no Python to tell the local cloud with"
cat >/dev/null
"""


def write_hook(repository: Path) -> None:
    """The interpreter is the one beneath any virtual environment: that may be removed, or made anew."""
    hooks = repository / "hooks"
    hooks.mkdir(exist_ok=True)
    shutil.copyfile(Path(__file__).with_name("tell.py"), hooks / SCRIPT)
    interpreter = getattr(sys, "_base_executable", None) or sys.executable
    hook = hooks / "post-receive"
    hook.write_text(HOOK.format(interpreter=shlex.quote(interpreter), script=SCRIPT))
    hook.chmod(0o755)
