"""The module that SAGEMAKER_SERVING_MODULE names: loads the model that this code came with, and serves it."""

# Beside a model this package is called `server`, here `training.server`.
# ruff: noqa: TID252

import os
from pathlib import Path

from .application import Application
from .artefact import Artefact
from .capture import Capture


def load() -> Application:
    """The archive holds `code/server/wsgi.py` and `model/` side by side."""
    artefact = Artefact.load(Path(__file__).resolve().parents[2] / "model")
    version = os.environ.get("RETIDE_MODEL_VERSION") or artefact.manifest.job
    return Application(artefact, version, Capture.from_environment(artefact.manifest, os.environ))


app = load()
