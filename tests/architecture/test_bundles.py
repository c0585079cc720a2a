"""What set-up laid into build/: the locked versions, within their budget, enough to convert a model and to serve it."""

import os
import subprocess
from pathlib import Path
from typing import Final

import pytest
from packaging.utils import canonicalize_name

from scripts.bundle import BUNDLES, Bundle
from tests.architecture.tree import ROOT, locked

# Mebibytes, unpacked. Lambda takes 250 for a function with its layers; the runtime travels with every model.
BUDGET: Final = {"lambda-data": 80, "job-boosting": 25, "job-convert": 25, "job-runtime": 40}
JOB_ENVIRONMENT: Final = ROOT / ".venv-jobs/bin/python"
CONVERT_AND_SERVE: Final = """
import numpy
from google.protobuf import __version__ as protobuf
from sklearn.ensemble import HistGradientBoostingClassifier
from skl2onnx import to_onnx
import onnxruntime

rows = numpy.linspace(-1, 1, 200, dtype=numpy.float32).reshape(100, 2)
model = HistGradientBoostingClassifier(max_iter=5).fit(rows, rows[:, 0] > 0)
data = to_onnx(model, rows[:1], options={"zipmap": False}).SerializeToString()
labels, _ = onnxruntime.InferenceSession(data).run(None, {"X": rows})
assert (labels.astype(bool) == model.predict(rows)).all()
print(protobuf)
"""


def laid_versions(folder: Path) -> dict[str, str]:
    names = (path.name.removesuffix(".dist-info") for path in folder.glob("*.dist-info"))
    return {canonicalize_name(name): version for name, _, version in (name.rpartition("-") for name in names)}


@pytest.mark.parametrize("bundle", BUNDLES, ids=lambda bundle: bundle.lock.stem)
def test_a_bundle_carries_exactly_what_its_lock_names(bundle: Bundle) -> None:
    assert laid_versions(bundle.folder) == locked(bundle.lock)


@pytest.mark.parametrize("bundle", BUNDLES, ids=lambda bundle: bundle.lock.stem)
def test_a_bundle_stays_within_its_budget(bundle: Bundle) -> None:
    size = sum(path.stat().st_size for path in bundle.folder.rglob("*") if path.is_file())
    assert 0 < size < BUDGET[bundle.lock.stem] * 2**20


def test_the_environment_of_the_image_and_the_bundles_convert_and_serve_a_model() -> None:
    libraries = os.pathsep.join(str(bundle.folder) for bundle in BUNDLES if bundle.folder.parent.name == "libs")
    answer = subprocess.run(
        [JOB_ENVIRONMENT, "-c", CONVERT_AND_SERVE],
        env={"PYTHONPATH": libraries, "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.startswith("6."), "the converter's own protobuf must come before the image's"
