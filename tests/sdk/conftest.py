"""One local cloud for the SDK's tests, run from the development environment and found through variables as AWS is."""

import io
import json
import os
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import boto3
import pytest

BUCKET: Final = "sdk-bucket"
IMAGE_NAME: Final = "sagemaker-scikit-learn:1.9-0-cpu-py3"
ROOT: Final = Path(__file__).resolve().parents[2]
NO_TELEMETRY: Final = """
SchemaVersion: "1.0"
SageMaker:
  PythonSDK:
    Modules:
      TelemetryOptOut: true
"""
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
import json, os, pathlib, sys
from sklearn.linear_model import LinearRegression

base = pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"])
parameters = json.loads((base / "input/config/hyperparameters.json").read_text())
rows = [[float(cell) for cell in line.split(",")] for line in (base / "input/data/train/rows.csv").read_text().split()]
if not rows:
    (base / "output" / "failure").write_text("there are no rows to learn from")
    sys.exit(1)
model = LinearRegression().fit([row[:1] for row in rows], [row[1] for row in rows])
slope = f"{model.coef_[0] * float(parameters.get('factor', 1)):.3f}"
print(f"the slope is {slope}")
(base / "model" / "slope.txt").write_text(slope)
(base / "model" / "code").mkdir()
(base / "model" / "code" / "serve.py").write_bytes((base / "input/data/code/serve.py").read_bytes())
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
CAPITALS: Final = """
import os, pathlib

base = pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"]) / "processing"
(base / "output" / "said.txt").write_text((base / "input" / "code" / "word.txt").read_text().upper())
"""
elsewhere: Final[list[str]] = []
"""Where this process wanted to connect or to look up beyond this machine."""


def _notice(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        _refuse_unless_local(str(arguments[1][0]))
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        _refuse_unless_local(str(arguments[0]))


def _refuse_unless_local(host: str) -> None:
    if host not in ("127.0.0.1", "::1", "localhost"):
        elsewhere.append(host)
        raise ConnectionRefusedError(f"these tests reach nothing but this machine: {host}")


sys.addaudithook(_notice)


@pytest.fixture(autouse=True)
def loopback_only() -> Iterator[None]:
    """The SDK sends nothing anywhere else, telemetry included."""
    yield
    for thread in threading.enumerate():
        if thread.name == "sagemaker-telemetry":
            thread.join(10)
    assert elsewhere == []


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
    """An ordinary session; the bucket holds the code of jobs, rows to learn from, and a model that doubles."""
    folder = tmp_path_factory.mktemp("sdk")
    (folder / "sdk.yaml").write_text(NO_TELEMETRY)
    with local_cloud(folder / "cloud") as variables:
        os.environ.update(
            variables, SAGEMAKER_USER_CONFIG_OVERRIDE=str(folder / "sdk.yaml"), SAGEMAKER_VALIDATE_ROLE="false"
        )
        session = boto3.Session()
        fill(session)
        yield session


def fill(session: boto3.Session) -> None:
    objects = {
        "code/fit.py": FIT.encode(),
        "code/serve.py": SERVE.encode(),
        "code/capitals.py": CAPITALS.encode(),
        "code/word.txt": b"tide",
        "rows/rows.csv": b"1,3\n2,6\n3,9\n",
        "none/rows.csv": b"",
        "double.tar.gz": archive({"slope.txt": "2.0", "code/serve.py": SERVE}),
    }
    s3 = session.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    for key, body in objects.items():
        s3.put_object(Bucket=BUCKET, Key=key, Body=body)
