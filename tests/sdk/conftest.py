"""One local cloud for the SDK's tests, run from the development environment and found through variables as AWS is."""

import io
import json
import os
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import boto3
import pytest

BUCKET: Final = "sdk-bucket"
IMAGE_NAME: Final = "sagemaker-scikit-learn:1.9-0-cpu-py3"
ROOT: Final = Path(__file__).resolve().parents[2]
# Runs in the development environment until its standard input ends.
CLOUD: Final = """
import json, pathlib, sys
from retide.local.cloud import LocalCloud

home, image, python = sys.argv[1:]
cloud = LocalCloud(pathlib.Path(home), {image: pathlib.Path(python)}, wait_scale=0.0, bound=True)
print(json.dumps(dict(cloud.start().environment())), flush=True)
sys.stdin.read()
cloud.stop()
"""
FIT: Final = """
import os, pathlib, sys
from sklearn.linear_model import LinearRegression

base = pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"])
rows = [[float(cell) for cell in line.split(",")] for line in (base / "input/data/train/rows.csv").read_text().split()]
if not rows:
    (base / "output" / "failure").write_text("there are no rows to learn from")
    sys.exit(1)
model = LinearRegression().fit([row[:1] for row in rows], [row[1] for row in rows])
(base / "model" / "slope.txt").write_text(f"{model.coef_[0]:.3f}")
"""
SERVE: Final = """
import os, pathlib

SLOPE = float((pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"]) / "model" / "slope.txt").read_text())

def app(request, start):
    start("200 OK", [("Content-Type", "text/csv")])
    if request["PATH_INFO"] == "/ping":
        return [b""]
    return [str(SLOPE * float(request["wsgi.input"].read(int(request["CONTENT_LENGTH"])))).encode()]
"""


def archive(members: Mapping[str, str]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, text in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text.encode())
            tar.addfile(entry, io.BytesIO(text.encode()))
    return buffer.getvalue()


@contextmanager
def local_cloud(home: Path) -> Iterator[dict[str, str]]:
    """A running cloud; yields the variables with which a client finds it."""
    python, jobs = (str(ROOT / environment / "bin/python") for environment in (".venv", ".venv-jobs"))
    command = [python, "-c", CLOUD, str(home), IMAGE_NAME, jobs]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as cloud:
        assert cloud.stdin is not None
        assert cloud.stdout is not None
        started = cloud.stdout.readline()
        assert started, "the local cloud did not start: its own words are above"
        yield json.loads(started)
        cloud.stdin.close()


@pytest.fixture(scope="session")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[boto3.Session]:
    """An ordinary session; the bucket holds the code of a job, rows to learn from, and a model that doubles."""
    with local_cloud(tmp_path_factory.mktemp("sdk")) as variables:
        os.environ.update(variables)
        session = boto3.Session()
        fill(session)
        yield session


def fill(session: boto3.Session) -> None:
    s3 = session.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="code/fit.py", Body=FIT.encode())
    s3.put_object(Bucket=BUCKET, Key="rows/rows.csv", Body=b"1,3\n2,6\n3,9\n")
    s3.put_object(Bucket=BUCKET, Key="none/rows.csv", Body=b"")
    s3.put_object(Bucket=BUCKET, Key="double.tar.gz", Body=archive({"slope.txt": "2.0", "code/serve.py": SERVE}))
