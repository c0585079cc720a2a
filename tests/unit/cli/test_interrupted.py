"""Ctrl-C before a command has even begun."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import os, signal, sys

class Impatient:
    def find_spec(self, name, path=None, target=None):
        if name == "retide.cli.app":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Impatient())
from retide.cli import main
main(["--help"])
"""


def test_whoever_interrupts_while_the_commands_are_loaded_sees_a_line_and_no_traceback() -> None:
    ended = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "error: interrupted\n")
