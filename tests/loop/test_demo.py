"""The demo as a program: the whole story without a terminal, and an end to it in the middle of a job."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest

from tests.loop.command_line import CommandLine
from tests.patience import SLACK


@pytest.fixture
def retide(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path / "home", {"COLUMNS": "120"})


def test_the_demo_tells_its_four_scenes_and_leaves_nothing_running(retide: CommandLine) -> None:
    ended = retide("demo")

    assert ended.status == 0, ended
    assert "\x1b" not in ended.out
    for said in (
        "version 1 trained, approved and deployed",
        "quarantined: 5 things wrong with it; version",
        "the model's code changed",
        "20 of 20 predictions are what the evaluation recorded",
        "where to look further",
        "retide explain tumour-2-1",
        "runs/tumour/tumour-2-1/record.json",
        "retide demo --keep",
        "nothing is left running",
    ):
        assert said in ended.out
    assert retide.left_behind() == []


@pytest.mark.nightly
def test_interrupted_in_the_middle_of_a_job_the_demo_leaves_nothing_running(retide: CommandLine) -> None:
    demo = retide.start("demo")
    try:
        said = until(demo, "Decide")  # the next state is Train
        demo.send_signal(signal.SIGINT)
        said += demo.communicate(timeout=60 * SLACK)[0]
    finally:
        demo.kill()

    assert demo.returncode == 130, said
    assert said.rstrip().endswith("error: interrupted")
    assert retide.left_behind() == []


def until(process: subprocess.Popen[str], word: str) -> str:
    """What the process says up to the line with that word; all of it if it never comes."""
    said = ""
    for line in process.stdout or ():
        said += line
        if word in line:
            break
    return said
