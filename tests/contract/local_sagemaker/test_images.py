"""Which interpreter stands in for an image, and what is said where none does."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from retide.local.clock import Clock
from retide.local.errors import ApiError
from retide.local.interfaces import Settings
from retide.local.sagemaker.container import interpreter

REGISTRY = "683313688378.dkr.ecr.us-east-1.amazonaws.com"


def test_an_image_runs_on_its_interpreter_and_one_without_is_refused(tmp_path: Path, clock: Clock) -> None:
    gone = tmp_path / "gone/bin/python"
    images = {"here:1": Path(sys.executable), "gone:1": gone}
    settings = Settings(tmp_path, "http://127.0.0.1:1", images, clock)

    assert interpreter(settings, f"{REGISTRY}/here:1") == Path(sys.executable)
    with pytest.raises(ApiError, match=r"gone:1 cannot run .*: its interpreter .*gone/bin/python is not there"):
        interpreter(settings, f"{REGISTRY}/gone:1")
    with pytest.raises(ApiError, match=r"other:1 cannot run .*has an interpreter for: gone:1, here:1"):
        interpreter(settings, f"{REGISTRY}/other:1")
