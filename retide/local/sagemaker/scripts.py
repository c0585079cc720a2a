"""What the official images do where no entrypoint is given: the training toolkit runs a script of a channel."""

from __future__ import annotations

import json
import shutil
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from retide.local.errors import invalid
from retide.local.interfaces import Json
from retide.local.sagemaker.container import Sandbox
from retide.local.sagemaker.errors import not_supported

PROGRAM: Final = "sagemaker_program"
SOURCE: Final = "sagemaker_submit_directory"
CODE: Final = "/opt/ml/code"
CHANNELS: Final = "/opt/ml/input/data/"


def check_script(request: Json) -> None:
    """Raises ApiError where the toolkit would find no script, or would fetch it from elsewhere than a channel."""
    given = request.get("HyperParameters", {})
    program, source = _said(given, PROGRAM), _said(given, SOURCE)
    if not program or not source:
        raise not_supported(
            f"CreateTrainingJob without AlgorithmSpecification.ContainerEntrypoint or the hyperparameters {PROGRAM} "
            f"and {SOURCE}"
        )
    if not source.startswith(CHANNELS):
        raise not_supported(f"{SOURCE} outside of a channel ({CHANNELS}<channel>…)")
    if not program.endswith(".py") or "/" in program:
        raise not_supported(f"{PROGRAM} that is no Python file at the top of {SOURCE}")


def lay_script(sandbox: Sandbox, request: Json) -> None:
    """Bring the script to where the toolkit runs it."""
    source, target = sandbox.path(_said(request["HyperParameters"], SOURCE)), sandbox.path(CODE)
    if source.is_dir():
        shutil.copytree(source, target)
    elif source.is_file() and tarfile.is_tarfile(source):
        with tarfile.open(source) as archive:
            archive.extractall(target, filter="data")
    else:
        raise invalid(f"{SOURCE} is neither a folder nor an archive of a channel")


def script_words(request: Json) -> list[str]:
    """The script with the other hyperparameters as its arguments, in the order of their names."""
    given: Mapping[str, str] = request["HyperParameters"]
    words = ["python3", str(Path(CODE) / _said(given, PROGRAM))]
    for name in sorted(given):
        if not name.startswith("sagemaker_"):
            words += [f"-{name}" if len(name) == 1 else f"--{name}", str(_decoded(given[name]))]
    return words


def _said(given: Mapping[str, str], name: str) -> str:
    return str(_decoded(given.get(name, "")))


def _decoded(text: str) -> Any:
    """The toolkit reads every value as JSON, and as it stands where it is none."""
    try:
        return json.loads(text)
    except ValueError:
        return text
