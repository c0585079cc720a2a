"""The module that SAGEMAKER_SERVING_MODULE names: checks what it came with, loads the model, and serves it."""

# Beside a model this package is called `server`, here `training.server`.
# ruff: noqa: TID252

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from . import integrity

if TYPE_CHECKING:
    from .application import Application


def load() -> Application:
    """The archive holds `code/server/wsgi.py` and `model/` side by side.

    Whatever else came with it, the libraries included, is imported only once all of it was found to be as registered.
    """
    root = Path(__file__).resolve().parents[2]
    integrity.check(root, os.environ)
    from .application import Application
    from .artefact import Artefact
    from .capture import Capture

    artefact = Artefact.load(root / "model")
    version = os.environ.get("RETIDE_MODEL_VERSION") or os.environ[integrity.VARIABLE][:12]
    capture = Capture.from_environment(artefact.manifest, os.environ)
    return Application(artefact, version, capture, row_errors=os.environ.get("RETIDE_ROW_ERRORS") == "true")


app = load()
