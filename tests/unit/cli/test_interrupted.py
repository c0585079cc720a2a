"""Ctrl-C before a command has even begun, and while DuckDB is busy with a file."""

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

BUSY = """
import os, signal, sys
from threading import Timer
from types import ModuleType

import duckdb
import typer

def wait():
    Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
    alone = duckdb.connect(config={"threads": "1"})  # so that it looks for signals between two steps
    alone.execute("SELECT sum(hash(i)) FROM range(1_000_000_000_000) t(i)").fetchall()

app = typer.Typer()
app.command()(wait)
sys.modules["retide.cli.app"] = ModuleType("retide.cli.app")
sys.modules["retide.cli.app"].app = lambda words: app
from retide.cli import main
main([])
"""


def test_whoever_interrupts_while_the_commands_are_loaded_sees_a_line_and_no_traceback() -> None:
    ended = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "error: interrupted\n")


def test_a_query_that_is_interrupted_is_no_unexpected_error() -> None:
    ended = subprocess.run([sys.executable, "-c", BUSY], capture_output=True, text=True, check=False, timeout=60)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "error: interrupted\n")
