"""The example notebook, run as a program: the SageMaker SDK as a client of a deployed stage."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Final

import pytest

from retide.local.cloud import Running
from tests.loop.command_line import CommandLine
from tests.loop.story.stage import Stage

ROOT: Final = Path(__file__).resolve().parents[3]
PYTHON: Final = ROOT / ".venv-sdk/bin/python"


@pytest.mark.nightly
@pytest.mark.skipif(not PYTHON.exists(), reason="the SageMaker SDK is not installed: `make test-sdk` installs it")
def test_the_notebook_reads_the_registry_asks_the_endpoint_and_runs_its_script(
    stage: Stage, story_cloud: Running, tmp_path: Path
) -> None:
    retide = CommandLine(tmp_path / "home", story_cloud.environment())
    pushed = retide("push", str(ROOT / "training/models/tumour/sample.csv"), "--model", "tumour", "--watch")
    assert pushed.status == 0, pushed.out + pushed.err
    variables = {**story_cloud.environment(), "PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    done = subprocess.run(
        [str(PYTHON), str(ROOT / "examples/notebook.py")],
        env=variables,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert ": Approved (" in done.stdout
    assert '"probabilities"' in done.stdout
    assert ": Completed, s3://" in done.stdout
